// The live parts of the console; everything else works without. A page names its stream of changes in data-live, and the
// server sends the parts that changed, each as the element that takes the place of the one with its id.

const said = document.getElementById('said');

/** Times are the reader's own: the server writes them in UTC. */
function localize(root) {
  for (const time of root.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime);
    const day = new Date().toDateString() === at.toDateString() ? {} : { day: 'numeric', month: 'short' };
    time.textContent = at.toLocaleString(document.documentElement.lang, { ...day, hour: '2-digit', minute: '2-digit' });
  }
}

/** { id, html, before?: the id of what it stands in front of where it is new, in?: the id of its list }; no html: it is gone. */
function patch(change) {
  const old = document.getElementById(change.id);
  if (!change.html) {
    old?.remove();
    return;
  }

  const holder = document.createElement('template');
  holder.innerHTML = change.html;
  const fresh = holder.content.firstElementChild;
  localize(holder.content);
  const focused = old?.contains(document.activeElement) ? document.activeElement : null;
  if (old) {
    if (old.outerHTML === fresh.outerHTML) return;
    old.replaceWith(fresh);
  } else {
    document.getElementById(change.in)?.insertBefore(fresh, change.before ? document.getElementById(change.before) : null);
  }

  narrow();

  // Nobody who works by keyboard is thrown back to the top.
  if (focused) (document.getElementById(focused.id) ?? fresh.querySelector('a[href], button, summary'))?.focus();
  const words = fresh.dataset.say;
  if (words && said.textContent !== words) said.textContent = words;
}

/** Accents and capitals do not matter, as on the server. */
const folded = text => text.normalize('NFD').replace(/\p{Mn}/gu, '').toLowerCase();

/** The list shows what is typed, as it is typed; without a script the form asks the server. */
function narrow() {
  const words = folded(document.getElementById('q')?.value ?? '').split(' ').filter(word => word);
  for (const row of document.querySelectorAll('#members > li')) {
    const text = folded(row.textContent);
    row.hidden = !words.every(word => text.includes(word));
  }
}

document.getElementById('q')?.addEventListener('input', narrow);

function follow(address) {
  const stream = new EventSource(address);
  stream.addEventListener('patch', event => patch(JSON.parse(event.data)));
  // The browser tries again by itself, unless the answer was final: then the session is over, and the page says so.
  stream.addEventListener('error', () => {
    if (stream.readyState === EventSource.CLOSED) location.reload();
  });
}

/** A countdown says the minutes and seconds that are left; the server knows when it is over and sends the part that says so. */
function countDown(meter) {
  const left = Math.max(0, Math.round((Date.parse(meter.dataset.ends) - Date.now()) / 1000));
  meter.value = left;
  const words = document.getElementById(meter.dataset.left);
  if (words) words.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
}

setInterval(() => document.querySelectorAll('[data-ends]').forEach(countDown), 1000);

/** As LocalpartProposal does it on the server. */
function proposal(name) {
  const letters = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', đ: 'd', ð: 'd', ł: 'l', þ: 'th', ı: 'i' };
  return name.toLowerCase().normalize('NFD').replace(/\p{Mn}/gu, '').replace(/[ßæœøđðłþı]/g, letter => letters[letter])
    .replace(/[^a-z0-9_-]+/g, '.').replace(/^[._-]+/, '').slice(0, 64).replace(/[._-]+$/, '');
}

for (const name of document.querySelectorAll('[data-proposes]')) {
  const target = document.getElementById(name.dataset.proposes);
  let proposed = target.value;
  name.addEventListener('input', () => {
    // What the admin changed by hand stays.
    if (target.value === proposed) target.value = proposed = proposal(name.value);
  });
}

// The answer to a form holds what is shown once: to load it again would send the form again.
if (document.body.dataset.address) history.replaceState(null, '', document.body.dataset.address);

localize(document);
if (document.body.dataset.live) follow(document.body.dataset.live);

// Passkeys: the server makes the challenge and checks the answer; the browser asks the person.

async function call(address, token, body) {
  const answer = await fetch(address, { method: 'POST', body, headers: { 'Content-Type': 'application/json', ...(token ? { 'X-Token': token } : {}) } });
  if (!answer.ok) throw new Error(answer.status);
  return answer.json();
}

async function usePasskey(part) {
  const { passkey: act, options, finish, back, token } = part.dataset;
  const tell = outcome => part.querySelectorAll('[data-when]').forEach(words => { words.hidden = words.dataset.when !== outcome; });
  tell(null);
  if (!globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON) return tell('missing');
  let credential;
  try {
    const publicKey = await call(options, token);
    credential = act === 'create'
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });
  } catch {
    return tell('declined');
  }

  try {
    const name = part.querySelector('[name=name]')?.value;
    const body = JSON.stringify(act === 'create' ? { name, credential: credential.toJSON() } : credential.toJSON());
    location.replace((await call(`${finish}?back=${encodeURIComponent(back)}`, token, body)).to);
  } catch {
    tell('refused');
  }
}

for (const part of document.querySelectorAll('[data-passkey]')) {
  part.querySelector('button').addEventListener('click', () => usePasskey(part));
}
