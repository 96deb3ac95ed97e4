// A window of Debian's Chromium, driven by Playwright as a hand would: what the phone's browser (browser.mjs) and the
// admin's (console.mjs) have in common. HOME holds the authorities that Chromium trusts.
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const require = createRequire(join(process.env.GATEWAY_NODE_MODULES, 'x'));

export async function launch() {
  const browser = await require('playwright-core').chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    chromiumSandbox: false,
  });
  return { browser, page: null, documents: [], hosts: new Set() };
}

/** What can be done in a window whatever it shows; `pictures` is where photographs go. */
export const instructionsOf = (window, pictures) => ({
  /** A window of its own, with its own cookies. */
  async open({ language, scripts, width, height }) {
    await window.page?.context().close();
    const context = await window.browser.newContext({ locale: language, viewport: { width, height }, javaScriptEnabled: scripts, colorScheme: 'light' });
    const page = await context.newPage();
    Object.assign(window, { page, documents: [], hosts: new Set() });
    page.on('console', (message) => console.error(`page: ${message.text()}`));
    page.on('pageerror', (error) => console.error(`page: ${error}`));
    page.on('request', (request) => window.hosts.add(new URL(request.url()).host));
    page.on('response', (response) => {
      console.error(`${response.status()} ${response.url().split('?')[0]}`);
      // 204: the page stays.
      if (response.request().isNavigationRequest() && response.frame() === page.mainFrame() && response.status() !== 204) {
        window.documents.push(response);
      }
    });
  },

  async visit({ address }) {
    await window.page.goto(address);
    return look(window);
  },

  /** Taps the button or link of this name and waits until `then` can be seen. */
  async tap({ on, then }) {
    const { page } = window;
    await page.getByRole('button', { name: on, exact: true }).or(page.getByRole('link', { name: on, exact: true })).click();
    await page.locator(then).first().waitFor();
    // The console's answer to a form says its own address, which its script puts into the window once the page is there.
    await page.waitForFunction(() => {
      const own = document.body.dataset.address;
      return !own || own === location.pathname + location.search;
    });
    return look(window);
  },

  /** Types into the field with this label; without one, into the page's only field. */
  async type({ text, label }) {
    await (label ? window.page.getByLabel(label, { exact: true }) : window.page.locator('input:not([type=hidden])')).fill(text);
  },

  /** Waits without touching anything. */
  async await({ for: selector }) {
    await window.page.locator(selector).first().waitFor();
    return look(window);
  },

  /** By day and by night. */
  async picture({ name }) {
    for (const colorScheme of ['light', 'dark']) {
      await window.page.emulateMedia({ colorScheme });
      await window.page.screenshot({ path: join(pictures, `${name}-${colorScheme}.png`), fullPage: true });
    }

    await window.page.emulateMedia({ colorScheme: 'light' });
  },

  /** A laptop's own authenticator, whose owner says yes each time. */
  async authenticator() {
    const session = await window.page.context().newCDPSession(window.page);
    await session.send('WebAuthn.enable');
    await session.send('WebAuthn.addVirtualAuthenticator', {
      options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
    });
  },

  /** What axe finds against WCAG 2.2 A and AA on the page as it is, by day and by night. */
  async axe() {
    const findings = [];
    for (const colorScheme of ['light', 'dark']) {
      await window.page.emulateMedia({ colorScheme });
      // By the debugger's hand: the page's own policy lets no such script in.
      await window.page.evaluate(await readFile(require.resolve('axe-core/axe.min.js'), 'utf8'));
      const { violations } = await window.page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
      findings.push(...violations.map(({ id, nodes }) => `${colorScheme} ${id}: ${nodes.map((node) => node.target).join(', ')}`));
    }

    await window.page.emulateMedia({ colorScheme: 'light' });
    return { findings };
  },

  async cookies() {
    return { cookies: await window.page.context().cookies() };
  },
});

async function look({ page, documents, hosts }) {
  const text = (await page.locator('body').innerText()).trim();
  const last = documents.at(-1);
  return {
    address: page.url(),
    title: await page.title(),
    language: await page.locator('html').getAttribute('lang'),
    text,
    status: last?.status() ?? 0,
    headers: last ? await last.allHeaders() : {},
    hosts: [...hosts],
  };
}
