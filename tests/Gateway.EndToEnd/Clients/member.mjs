// One member's Matrix app: matrix-js-sdk with its Rust crypto, kept in memory, told what to do over standard input.
//
//   in:  {"id": 1, "do": "login", …}              one command a line; commands run side by side
//   out: {"id": 1, "result": {…}}                 or {"id": 1, "error": {"status", "errcode", "softLogout", "message"}}
//
// Usage: node member.mjs BASE_URL; GATEWAY_NODE_MODULES names the folder that holds matrix-js-sdk.
import { createHash, randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

// Standard output carries answers only; the library's own talk goes to the log. Before the import: it takes the methods then.
for (const level of ['debug', 'info', 'log', 'trace']) {
  console[level] = console.error;
}

const baseUrl = process.argv[2];
const sdk = await import(pathToFileURL(`${process.env.GATEWAY_NODE_MODULES}/matrix-js-sdk/lib/index.js`));
let client = sdk.createClient({ baseUrl });
const messages = [];
const syncStates = [];
let loggedOut = null;

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Resolves with what `find` returns, tried now and again after each `event` of the client. */
function eventually(event, find) {
  return new Promise((resolve) => {
    const look = () => {
      const found = find();
      if (found) {
        client.off(event, look);
        resolve(found);
      }
    };
    client.on(event, look);
    look();
  });
}

const commands = {
  async login({ user, code, device }) {
    const { flows } = await client.loginFlows();
    const session = await client.loginRequest({
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user },
      password: code,
      initial_device_display_name: device,
    });
    client = sdk.createClient({
      baseUrl,
      userId: session.user_id,
      accessToken: session.access_token,
      deviceId: session.device_id,
    });
    return {
      userId: session.user_id,
      sessionId: session.device_id,
      accessToken: session.access_token,
      flows: flows.map((flow) => flow.type),
    };
  },

  async start() {
    await client.initRustCrypto({ useIndexedDB: false });
    client.on('Event.decrypted', (event) => {
      if (event.getType() === 'm.room.message') {
        messages.push({
          room: event.getRoomId(),
          sender: event.getSender(),
          text: event.getContent().body,
          sentAs: event.getWireType(),
        });
        client.emit('lab.message');
      }
    });
    client.on('sync', (state) => syncStates.push(state));
    client.on('Session.logged_out', (error) => {
      loggedOut = { status: error.httpStatus, errcode: error.errcode, softLogout: error.data?.soft_logout ?? false };
      client.emit('lab.loggedOut');
    });
    await client.startClient({ initialSyncLimit: 10, pollTimeout: 30000 });
    await eventually('sync', () => client.isInitialSyncComplete());
    return {};
  },

  async createRoom({ invite }) {
    const { room_id: room } = await client.createRoom({
      invite,
      initial_state: [{ type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
    });
    return { room };
  },

  async join({ room }) {
    await eventually('sync', () => client.getRoom(room)?.getMyMembership() === 'invite');
    await client.joinRoom(room);
    return {};
  },

  /** Until this client has seen that somebody joined, so that it encrypts for them too. */
  async seeJoin({ room, user }) {
    await eventually('sync', () => client.getRoom(room)?.getMember(user)?.membership === 'join');
    return {};
  },

  async send({ room, text }) {
    const { event_id: event } = await client.sendTextMessage(room, text);
    return { event };
  },

  receive: ({ text }) => eventually('lab.message', () => messages.find((message) => message.text === text)),

  async upload({ bytes }) {
    const content = randomBytes(bytes);
    const { content_uri: uri } = await client.uploadContent(new Blob([content]), { type: 'application/octet-stream' });
    return { uri, sha256: sha256(content) };
  },

  async download({ uri }) {
    const url = client.mxcUrlToHttp(uri, undefined, undefined, undefined, false, true, true);
    const answer = await fetch(url, { headers: { authorization: `Bearer ${client.getAccessToken()}` } });
    if (!answer.ok) {
      throw new Error(`download: ${answer.status} ${await answer.text()}`);
    }
    const content = Buffer.from(await answer.arrayBuffer());
    return { bytes: content.length, sha256: sha256(content) };
  },

  whoAmI: () => client.whoami(),

  async logout() {
    await client.logout(true);
    return {};
  },

  /** Until the library itself says that its session was ended by the server: where apps erase their data. */
  loggedOut: () => eventually('lab.loggedOut', () => loggedOut),

  /** The states of the sync loop in order; anything but PREPARED and SYNCING was a disturbance. */
  syncStates: () => ({ states: syncStates }),
};

const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, do: name, ...rest } = JSON.parse(line);
  try {
    say({ id, result: await commands[name](rest) });
  } catch (error) {
    say({
      id,
      error: {
        status: error.httpStatus ?? null,
        errcode: error.errcode ?? null,
        softLogout: error.data?.soft_logout ?? false,
        message: `${error.message}${error.cause ? ` (${error.cause.code ?? error.cause.message})` : ''}`,
      },
    });
  }
}).on('close', () => process.exit(0));
