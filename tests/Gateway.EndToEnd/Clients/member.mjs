// One member's Matrix app: matrix-js-sdk with its Rust crypto, kept in memory, told what to do (instructions.mjs).
//
// Usage: node member.mjs BASE_URL; GATEWAY_NODE_MODULES names the folder that holds matrix-js-sdk.
import { createHash, randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';
// First of all: the library takes the console's methods when it is loaded.
import { follow } from './instructions.mjs';
import { recovery } from './recovery.mjs';

const baseUrl = process.argv[2];
const library = `${process.env.GATEWAY_NODE_MODULES}/matrix-js-sdk/lib`;
const sdk = await import(pathToFileURL(`${library}/index.js`));
const { decodeRecoveryKey } = await import(pathToFileURL(`${library}/crypto-api/index.js`));
const app = { client: sdk.createClient({ baseUrl }) };
const { cryptoCallbacks, instructions: recoveryInstructions } = recovery(app, decodeRecoveryKey);
const messages = [];
const syncStates = [];
let loggedOut = null;
let oauth = null;

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Resolves with what `find` returns, tried now and again after each `event` of the client. */
function eventually(event, find) {
  return new Promise((resolve) => {
    const look = () => {
      const found = find();
      if (found) {
        app.client.off(event, look);
        resolve(found);
      }
    };
    app.client.on(event, look);
    look();
  });
}

/** What an app does with a session that it was given. */
function open(session) {
  app.client = sdk.createClient({
    baseUrl,
    userId: session.user_id,
    accessToken: session.access_token,
    deviceId: session.device_id,
    cryptoCallbacks,
  });
  return { userId: session.user_id, sessionId: session.device_id, accessToken: session.access_token };
}

const instructions = {
  ...recoveryInstructions,

  async login({ user, code, device }) {
    const { flows } = await app.client.loginFlows();
    const session = await app.client.loginRequest({
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user },
      password: code,
      initial_device_display_name: device,
    });
    return { ...open(session), flows: flows.map((flow) => flow.type) };
  },

  ssoAddress: ({ back }) => ({ address: app.client.getSsoLoginUrl(back, 'sso') }),

  async oauthAddress({ back }) {
    const metadata = await app.client.getAuthMetadata();
    const clientId = await sdk.OAuth2.registerClient(metadata, { client_name: 'Lab', client_uri: 'https://lab.test/', redirect_uris: [back] });
    const flow = new sdk.OAuth2(metadata, { clientId });
    const state = randomBytes(8).toString('hex');
    oauth = { flow, back, state };
    return { address: await flow.generateAuthorizationCodeGrantUrl(state, back, 'query') };
  },

  async comeBack({ address }) {
    const found = new URL(address).searchParams;
    if (found.has('loginToken')) {
      return open(await app.client.loginRequest({ type: 'm.login.token', token: found.get('loginToken') }));
    }

    if (found.get('state') !== oauth.state) {
      throw new Error(`the answer is not for this request: ${found.get('error')}`);
    }

    const { access_token } = await oauth.flow.completeAuthorizationCodeGrant(found.get('code'), oauth.back);
    const { user_id, device_id } = await sdk.createClient({ baseUrl, accessToken: access_token }).whoami();
    return open({ user_id, device_id, access_token });
  },

  async start() {
    await app.client.initRustCrypto({ useIndexedDB: false });
    app.client.on('Event.decrypted', (event) => {
      if (event.getType() === 'm.room.message') {
        messages.push({
          room: event.getRoomId(),
          sender: event.getSender(),
          text: event.getContent().body,
          sentAs: event.getWireType(),
        });
        app.client.emit('lab.message');
      }
    });
    app.client.on('sync', (state) => syncStates.push(state));
    app.client.on('Session.logged_out', (error) => {
      loggedOut = { status: error.httpStatus, errcode: error.errcode, softLogout: error.data?.soft_logout ?? false };
      app.client.emit('lab.loggedOut');
    });
    await app.client.startClient({ initialSyncLimit: 10, pollTimeout: 30000 });
    await eventually('sync', () => app.client.isInitialSyncComplete());
  },

  async createRoom({ invite }) {
    const { room_id: room } = await app.client.createRoom({
      invite,
      initial_state: [{ type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
    });
    // Before that it would send in the clear.
    await eventually('sync', () => app.client.getRoom(room)?.hasEncryptionStateEvent());
    return { room };
  },

  async join({ room }) {
    await eventually('sync', () => app.client.getRoom(room)?.getMyMembership() === 'invite');
    await app.client.joinRoom(room);
  },

  /** Until this client has seen that somebody joined, so that it encrypts for them too. */
  async seeJoin({ room, user }) {
    await eventually('sync', () => app.client.getRoom(room)?.getMember(user)?.membership === 'join');
  },

  async send({ room, text }) {
    const { event_id: event } = await app.client.sendTextMessage(room, text);
    return { event };
  },

  receive: ({ text }) => eventually('lab.message', () => messages.find((message) => message.text === text)),

  async upload({ bytes }) {
    const content = randomBytes(bytes);
    const { content_uri: uri } = await app.client.uploadContent(new Blob([content]), { type: 'application/octet-stream' });
    return { uri, sha256: sha256(content) };
  },

  async download({ uri }) {
    const url = app.client.mxcUrlToHttp(uri, undefined, undefined, undefined, false, true, true);
    const answer = await fetch(url, { headers: { authorization: `Bearer ${app.client.getAccessToken()}` } });
    if (!answer.ok) {
      throw new Error(`download: ${answer.status} ${await answer.text()}`);
    }
    const content = Buffer.from(await answer.arrayBuffer());
    return { bytes: content.length, sha256: sha256(content) };
  },

  whoAmI: () => app.client.whoami(),

  async logout() {
    if (oauth) {
      app.client.stopClient();
      await oauth.flow.revokeToken(app.client.getAccessToken(), 'access_token');
    } else {
      await app.client.logout(true);
    }
  },

  async refresh() {
    await (oauth ? oauth.flow.performRefreshTokenGrant('nobody-gave-it') : app.client.refreshToken('nobody-gave-it'));
  },

  /** Until the library itself says that its session was ended by the server: where apps erase their data. */
  loggedOut: () => eventually('lab.loggedOut', () => loggedOut),

  /** The states of the sync loop in order; anything but PREPARED and SYNCING was a disturbance. */
  syncStates: () => ({ states: syncStates }),
};

follow(instructions);
