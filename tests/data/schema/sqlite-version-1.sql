BEGIN TRANSACTION;
CREATE TABLE client_counts (
            policy TEXT PRIMARY KEY,
            clients INTEGER NOT NULL
        ) WITHOUT ROWID;
INSERT INTO "client_counts" VALUES('default',4);
CREATE TABLE clients (
            client_id TEXT PRIMARY KEY,
            policy TEXT NOT NULL,
            subject TEXT NOT NULL,
            issued_at INTEGER NOT NULL,
            secret_expires_at INTEGER NOT NULL,
            credentials TEXT NOT NULL,
            metadata TEXT NOT NULL
        );
INSERT INTO "clients" VALUES('01977420dc00914f41619d060df8c982','default','team',1750000000,0,'[[1,"0ee122aae616c4a593e150a1e931e6b3aa708d5add9c8e0d546c636c36c999e6","d8827620f30f9995aba43015bc673868017798a2e08442070e38bf738e03b48a"],[2,"3bf879cf19e051210cfe4ba9167eaa252421cc0c9f1ae655885d2d4af82cfdf9","1504e3e347d3c087cf8a93b54e31ed05a0a0bcf7b1af8b92780e5a6e7cf256e6"]]','{"client_name":"machine","token_endpoint_auth_method":"client_secret_basic","grant_types":["client_credentials"],"response_types":[],"scope":"a b","application_type":"web"}');
INSERT INTO "clients" VALUES('01977420dc00bba222047c2b14ed8a9e','default','once',1750000000,0,'[[1,"3c96818cb97827f25fcaf569e6b5c47a954bcb071b3e6bbf2bc04d1b1c522622","953aeb9a11c36dffcc9e8c265f23319f17dc21de27fa03b6ff2095d96cc38412"]]','{"client_name":"Wëb","redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"client_secret_basic","grant_types":["authorization_code"],"response_types":["code"],"application_type":"web"}');
INSERT INTO "clients" VALUES('01977420dc00217b425c3cc62a3f363e','default','once',1750000000,0,'[[1,"7c96fc9515c1ab45f1dd9b23de7372236b3351e3825f07de2659dce8e6ec80ce",null]]','{"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"none","grant_types":["authorization_code"],"response_types":["code"],"application_type":"web"}');
INSERT INTO "clients" VALUES('01977420dc00b7d783bb2fa3d2855ae0','default','team',1750000000,0,'[[1,"fca06bcb4b865358aa97ecaf6157e3d0b9bdb36e17a063930eee8be5ae5b66db","39912c10b751ae837b790e9927b658fcdc5249a17b837cc860b7b1721298dd87"],[1,"cf07ca0cb186b1b1aebfeb1c9fe6946e16b23c00150ce395bfba3abe7f65b330","39912c10b751ae837b790e9927b658fcdc5249a17b837cc860b7b1721298dd87"]]','{"client_name":"after","token_endpoint_auth_method":"client_secret_basic","grant_types":["client_credentials"],"response_types":[],"scope":"a b","application_type":"web"}');
CREATE TABLE idempotency_keys (
            key_hash BLOB PRIMARY KEY,
            body_hash BLOB NOT NULL,
            client_id TEXT NOT NULL,
            expires_at INTEGER
        ) WITHOUT ROWID;
INSERT INTO "idempotency_keys" VALUES(X'2F8A4B6546F5AD66A2FB9F41548F15C1493A8CA131781E4CFCF1A65627FC5E5B',X'2EA5BC3E26E927562AD01C71BE6C7FEF353034E3A253D180EB2BE47B4F4B96CC','01977420dc00914f41619d060df8c982',NULL);
INSERT INTO "idempotency_keys" VALUES(X'82182CA840547A0F40B6210B2AFD60C45A3FBB1655D7513C962FA677BA8E69E5',X'2170E31DA6807AAB3578E37E6715742B53B41EB51A7F2340FAB3A0B44E2FAD79','01977420dc005eb8e94c7f0456e81f23',1750086400);
CREATE TABLE initial_access_tokens (
            token_hash BLOB PRIMARY KEY,
            policy TEXT NOT NULL,
            subject TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER,
            max_uses INTEGER,
            uses INTEGER NOT NULL,
            note TEXT NOT NULL
        ) WITHOUT ROWID;
INSERT INTO "initial_access_tokens" VALUES(X'06DBE6816DE0D067E6D434A6DC70EB50DCB718C4B98F862DF1926F96A15F8031','default','team',1750000000,NULL,NULL,3,'');
INSERT INTO "initial_access_tokens" VALUES(X'D5DC8CCDC77CF61CA005027C40102E15BBE27686373302E8A8A1CE8C12B0C031','default','once',1750000000,2750000000,3,2,'');
CREATE TABLE schema_version (version INTEGER NOT NULL);
INSERT INTO "schema_version" VALUES(1);
CREATE TABLE signing_keys (
            kid TEXT PRIMARY KEY,
            sealed_private_key BLOB NOT NULL,
            created_at INTEGER NOT NULL
        ) WITHOUT ROWID;
INSERT INTO "signing_keys" VALUES('igfTlDMlDX2UfJxlT8D4YsiXg96ZwbtzBc-QB-jWd8Q',X'015434E0DC65AE4455C1AB31337DE59E54E98EB3D15AC9DC128880BC4768ACA35642DAE6CE5D2F1282AEC11CECB742FFDBA8F9094EF0217C8D68A12C656A61572018921B4B6F753E23BE75853D173D3AA0296F30F05E760E10438AA6FC7FE4B454BEE6E67CBD89B9E17330A6F7231693EB9195714AF96C78C9BAE32C72275696431DAC95DC16563167B694ED66C8433AA86A1620777376A44215336B648FD5C623BD890E5319D494096CFB5820A09D827DC2C46A1B82AC1ABA000D1D467B7D932723920D07E1E4B6A0D70B40CDAB4633683CEDA90335',1750000000);
CREATE INDEX idempotency_keys_by_client ON idempotency_keys (client_id);
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at)
            WHERE expires_at IS NOT NULL;
COMMIT;
