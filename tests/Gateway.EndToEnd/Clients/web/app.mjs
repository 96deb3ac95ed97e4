// A web app as small as one can be around matrix-js-sdk, which signs in as Element Web does: by SSO, or by OAuth with a
// fresh registration. Led back, it opens its session, starts encryption and syncs once; the page then says who is in.
import * as sdk from 'matrix-js-sdk';

const baseUrl = 'https://SERVER_NAME';
const home = `${location.origin}/`;
// As Element Web has it, so that no native app of the same vendor takes the address.
const oauthHome = `${home}?no_universal_links=true`;
const query = new URLSearchParams(location.search);
const fragment = new URLSearchParams(location.hash.slice(1));

const say = (state, text) => {
  const line = document.querySelector('#outcome');
  line.dataset.state = state;
  line.textContent = text;
};

async function start(session) {
  // The token stays out of the address bar and of the history.
  history.replaceState(null, '', home);
  const client = sdk.createClient({
    baseUrl,
    userId: session.user_id,
    accessToken: session.access_token,
    deviceId: session.device_id,
  });
  await client.initRustCrypto();
  const synced = new Promise((resolve) => client.on('sync', (state) => state === 'PREPARED' && resolve()));
  await client.startClient({ initialSyncLimit: 5 });
  await synced;
  window.client = client;
  say('in', `${session.user_id} ${session.device_id}`);
}

async function startSso() {
  const client = sdk.createClient({ baseUrl });
  const { flows } = await client.loginFlows();
  const sso = flows.find((flow) => flow.type === 'm.login.sso');
  location.href = client.getSsoLoginUrl(home, 'sso', sso.identity_providers?.[0].id, sdk.SSOAction.LOGIN);
}

async function startOAuth() {
  const metadata = await sdk.createClient({ baseUrl }).getAuthMetadata();
  const clientId = await sdk.OAuth2.registerClient(metadata, {
    client_name: 'A name that nobody vouches for',
    client_uri: home,
    redirect_uris: [oauthHome],
  });
  const oauth = new sdk.OAuth2(metadata, { clientId });
  const state = crypto.randomUUID();
  sessionStorage.setItem(state, JSON.stringify({ metadata, context: oauth.context }));
  location.href = await oauth.generateAuthorizationCodeGrantUrl(state, oauthHome);
}

async function finishSso() {
  await start(await sdk.createClient({ baseUrl }).loginRequest({ type: 'm.login.token', token: query.get('loginToken') }));
}

async function finishOAuth() {
  const { metadata, context } = JSON.parse(sessionStorage.getItem(fragment.get('state')));
  if (fragment.has('error')) {
    say('refused', fragment.get('error'));
    return;
  }

  const { access_token } = await new sdk.OAuth2(metadata, context).completeAuthorizationCodeGrant(fragment.get('code'), oauthHome);
  const session = await sdk.createClient({ baseUrl, accessToken: access_token }).whoami();
  await start({ ...session, access_token });
}

const attempt = (act) => act().catch((error) => say('failed', `${error.message} ${error.cause ?? ''}`));

document.querySelector('#sso').onclick = () => attempt(startSso);
document.querySelector('#oauth').onclick = () => attempt(startOAuth);
if (query.has('loginToken')) {
  attempt(finishSso);
} else if (fragment.has('state')) {
  attempt(finishOAuth);
} else {
  say('out', 'Nobody is signed in.');
}
