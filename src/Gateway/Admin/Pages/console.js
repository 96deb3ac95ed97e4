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
  const focused = old?.contains(document.activeElement) ? document.activeElement.id : null;
  if (old) {
    if (old.outerHTML === fresh.outerHTML) return;
    old.replaceWith(fresh);
  } else {
    document.getElementById(change.in)?.insertBefore(fresh, change.before ? document.getElementById(change.before) : null);
  }

  // Nobody who works by keyboard is thrown back to the top.
  if (focused) document.getElementById(focused)?.focus();
  const words = fresh.dataset.say;
  if (words && said.textContent !== words) said.textContent = words;
}

function follow(address) {
  const stream = new EventSource(address);
  stream.addEventListener('patch', event => patch(JSON.parse(event.data)));
  // The browser tries again by itself, unless the answer was final: then the session is over, and the page says so.
  stream.addEventListener('error', () => {
    if (stream.readyState === EventSource.CLOSED) location.reload();
  });
}

localize(document);
if (document.body.dataset.live) follow(document.body.dataset.live);
