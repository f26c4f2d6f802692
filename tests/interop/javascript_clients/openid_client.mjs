// The same life as in oauth4webapi.mjs, by openid-client, which discovers and registers in one call.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import assert from 'node:assert/strict';

const { ISSUER, INITIAL_ACCESS_TOKEN, NODE_MODULES } = process.env;
const method = process.argv[2];
const openid = await import(pathToFileURL(join(NODE_MODULES, 'openid-client/build/index.js')));

const keys = await crypto.subtle.generateKey(
  { name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
const publicKey = { ...(await crypto.subtle.exportKey('jwk', keys.publicKey)), kid: 'one' };
const metadata = {
  client_name: 'before',
  grant_types: ['client_credentials'],
  response_types: [],
  scope: 'orders.read',
  token_endpoint_auth_method: method,
  ...(method === 'private_key_jwt' ? { jwks: { keys: [publicKey] } } : {}),
};
// A secret that is left out is that of the registration.
const authentication = {
  client_secret_basic: openid.ClientSecretBasic(),
  client_secret_post: openid.ClientSecretPost(),
  private_key_jwt: openid.PrivateKeyJwt({ key: keys.privateKey, kid: publicKey.kid }),
}[method];

const config = await openid.dynamicClientRegistration(
  new URL(ISSUER), metadata, authentication, { initialAccessToken: INITIAL_ACCESS_TOKEN });
const registered = config.clientMetadata();
for (const [member, value] of Object.entries(metadata)) assert.deepEqual(registered[member], value);
assert.equal(config.serverMetadata().supportsPKCE(), false);

const token = () => openid.clientCredentialsGrant(config, { scope: 'orders.read' });
const issued = await token();
assert.equal(issued.scope, 'orders.read');
if (config.serverMetadata().introspection_endpoint) {
  assert.equal((await openid.tokenIntrospection(config, issued.access_token)).active, true);
  await openid.tokenRevocation(config, issued.access_token);
  assert.equal((await openid.tokenIntrospection(config, issued.access_token)).active, false);
}

const uri = new URL(registered.registration_client_uri);
const json = new Headers({ 'content-type': 'application/json' });
const manage = (accessToken, verb, body) => openid.fetchProtectedResource(
  config, accessToken, uri, verb, body && JSON.stringify(body), json);
const read = await (await manage(registered.registration_access_token, 'GET')).json();
assert.equal(read.client_id, registered.client_id);
const updated = await (await manage(registered.registration_access_token, 'PUT', {
  ...metadata, client_id: registered.client_id, client_name: 'after',
})).json();
assert.equal(updated.client_name, 'after');
assert.equal((await manage(updated.registration_access_token, 'DELETE')).status, 204);
await assert.rejects(manage(updated.registration_access_token, 'GET'));
await assert.rejects(token(), (error) => error.status === 401);
console.log(JSON.stringify({ method, client_id: registered.client_id, registered }));
