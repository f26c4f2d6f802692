// One client's life at an authorization server, by oauth4webapi as it is: every response is judged
// by the package. Environment: ISSUER, INITIAL_ACCESS_TOKEN, NODE_MODULES, NODE_EXTRA_CA_CERTS.
// Argument: the token_endpoint_auth_method. Prints one line of JSON; any other exit status than 0
// is a failure, with its reason on standard error.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import assert from 'node:assert/strict';

const { ISSUER, INITIAL_ACCESS_TOKEN, NODE_MODULES } = process.env;
const method = process.argv[2];
const oauth = await import(pathToFileURL(join(NODE_MODULES, 'oauth4webapi/build/index.js')));

const discover = async (algorithm) => {
  const issuer = new URL(ISSUER);
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm }));
};
const as = await discover('oauth2');
assert.equal((await discover('oidc')).registration_endpoint, as.registration_endpoint);
assert(as.token_endpoint_auth_methods_supported.includes(method));

const keys = await oauth.generateKeyPair('ES256', { extractable: true });
const publicKey = { ...(await crypto.subtle.exportKey('jwk', keys.publicKey)), kid: 'one' };
const metadata = {
  client_name: 'before',
  'client_name#de': 'vorher',
  grant_types: ['client_credentials'],
  response_types: [],
  scope: 'orders.read',
  token_endpoint_auth_method: method,
  ...(method === 'private_key_jwt' ? { jwks: { keys: [publicKey] } } : {}),
};

const register = async (initialAccessToken) => oauth.processDynamicClientRegistrationResponse(
  await oauth.dynamicClientRegistrationRequest(as, metadata, { initialAccessToken }));
await assert.rejects(register('wrong'), oauth.WWWAuthenticateChallengeError);
const client = await register(INITIAL_ACCESS_TOKEN);
for (const [member, value] of Object.entries(metadata)) assert.deepEqual(client[member], value);

const authentication = {
  client_secret_basic: () => oauth.ClientSecretBasic(client.client_secret),
  client_secret_post: () => oauth.ClientSecretPost(client.client_secret),
  private_key_jwt: () => oauth.PrivateKeyJwt({ key: keys.privateKey, kid: publicKey.kid }),
}[method]();
const token = async () => oauth.processClientCredentialsResponse(as, client,
  await oauth.clientCredentialsGrantRequest(as, client, authentication, { scope: 'orders.read' }));
const issued = await token();
assert.equal(issued.token_type, 'bearer');

// RFC 9068 §4, as a resource server does it.
const call = new Request('https://orders.example/', {
  headers: { authorization: `Bearer ${issued.access_token}` },
});
const claims = await oauth.validateJwtAccessToken(as, call, ISSUER);
assert.equal(claims.client_id, client.client_id);
assert.equal(claims.scope, 'orders.read');

const introspect = async (accessToken) => oauth.processIntrospectionResponse(as, client,
  await oauth.introspectionRequest(as, client, authentication, accessToken));
if (as.introspection_endpoint) assert.equal((await introspect(issued.access_token)).active, true);
if (as.revocation_endpoint) {
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(as, client, authentication, issued.access_token));
  assert.equal((await introspect(issued.access_token)).active, false);
}

// RFC 7592, as calls with a bearer token.
const uri = new URL(client.registration_client_uri);
const json = new Headers({ 'content-type': 'application/json' });
const manage = async (accessToken, verb, body) =>
  oauth.protectedResourceRequest(accessToken, verb, uri, json, body && JSON.stringify(body));
const read = await (await manage(client.registration_access_token, 'GET')).json();
assert.equal(read.client_id, client.client_id);
const response = await manage(client.registration_access_token, 'PUT', {
  ...metadata, client_id: client.client_id, client_name: 'after',
});
assert.equal(response.status, 200);
const updated = await response.json();
assert.equal(updated.client_name, 'after');
assert.equal(updated.registration_client_uri, client.registration_client_uri);
const again = await (await manage(updated.registration_access_token, 'GET')).json();
assert.equal(again.client_name, 'after');
await token();

assert.equal((await manage(updated.registration_access_token, 'DELETE')).status, 204);
await assert.rejects(
  manage(updated.registration_access_token, 'GET'), oauth.WWWAuthenticateChallengeError);
await assert.rejects(token(), (error) => error.status === 401);
console.log(JSON.stringify({ method, client_id: client.client_id, registered: client }));
