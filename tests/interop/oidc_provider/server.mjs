// oidc-provider with dynamic registration and its management, configured as its manual says.
// Environment: PORT (0 picks one), NODE_MODULES (where the packages are), INITIAL_ACCESS_TOKEN
// (unset: everybody may register), OPAQUE_ACCESS_TOKENS (set: no resource server is assumed).
// Prints one JSON line when it listens.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const modules = process.env.NODE_MODULES ?? join(import.meta.dirname, 'node_modules');
const { Provider } = await import(pathToFileURL(join(modules, 'oidc-provider/lib/index.js')));

// The adapter that ships with it is an LRU cache of 1,000 entries: older clients vanish silently.
const stored = new Map();
const grants = new Map();
class MapAdapter {
  constructor(model) { this.model = model; }
  key(id) { return `${this.model}:${id}`; }
  async upsert(id, payload) {
    stored.set(this.key(id), payload);
    if (payload.grantId) grants.set(payload.grantId, [...(grants.get(payload.grantId) ?? []), this.key(id)]);
  }
  async find(id) { return stored.get(this.key(id)); }
  async findByUid(uid) { return [...stored.values()].find((payload) => payload.uid === uid); }
  async findByUserCode(code) { return [...stored.values()].find((payload) => payload.userCode === code); }
  async consume(id) { stored.get(this.key(id)).consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { stored.delete(this.key(id)); }
  async revokeByGrantId(grantId) {
    for (const key of grants.get(grantId) ?? []) stored.delete(key);
    grants.delete(grantId);
  }
}

const signingKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });

const configurationFor = (issuer) => ({
  adapter: MapAdapter,
  jwks: { keys: [{ ...signingKey, use: 'sig', alg: 'RS256', kid: 'interop' }] },
  cookies: { keys: ['interop'] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    registration: { enabled: true, initialAccessToken: process.env.INITIAL_ACCESS_TOKEN ?? false },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
    // Without a resource server its access tokens are opaque; with one they are JWTs.
    resourceIndicators: {
      enabled: true,
      defaultResource: () => (process.env.OPAQUE_ACCESS_TOKENS ? undefined : issuer),
      getResourceServerInfo: () => ({ scope: '', audience: issuer, accessTokenFormat: 'jwt' }),
    },
  },
  ttl: { ClientCredentials: 600 },
});

// The issuer holds the port, which is known only once the socket listens.
let handle = (request, response) => response.writeHead(503).end();
const server = createServer((request, response) => handle(request, response));
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  handle = new Provider(url, configurationFor(url)).callback();
  console.log(JSON.stringify({ event: 'listening', url }));
});
