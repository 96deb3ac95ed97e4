// The browser of a phone: Debian's Chromium, driven by Playwright as a thumb would, beside a web app on its own origin.
// Told what to do (instructions.mjs).
//
// Usage: node browser.mjs SERVER_NAME CERTIFICATE KEY PICTURES; HOME holds the authorities that Chromium trusts.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { follow } from './instructions.mjs';
import { serve } from './web/host.mjs';

const [serverName, certificate, key, pictures] = process.argv.slice(2);
const { chromium } = createRequire(join(process.env.GATEWAY_NODE_MODULES, 'x'))('playwright-core');
await serve({ folder: join(import.meta.dirname, 'web'), serverName, certificate, key, port: 443 });
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  chromiumSandbox: false,
});

let page;
let documents;
let hosts;

async function look() {
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

const instructions = {
  /** A window of its own, with its own cookies, as wide as a phone. */
  async open({ language, scripts }) {
    await page?.context().close();
    const context = await browser.newContext({ locale: language, viewport: { width: 390, height: 780 }, javaScriptEnabled: scripts, colorScheme: 'light' });
    page = await context.newPage();
    page.on('console', (message) => console.error(`page: ${message.text()}`));
    documents = [];
    hosts = new Set();
    page.on('request', (request) => hosts.add(new URL(request.url()).host));
    page.on('response', (response) => {
      console.error(`${response.status()} ${response.url().split('?')[0]}`);
      // 204: the page stays.
      if (response.request().isNavigationRequest() && response.frame() === page.mainFrame() && response.status() !== 204) {
        documents.push(response);
      }
    });
  },

  async visit({ address }) {
    await page.goto(address);
    return look();
  },

  /** Taps the button or link of this name and waits until `then` can be seen. */
  async tap({ on, then }) {
    await page.getByRole('button', { name: on, exact: true }).or(page.getByRole('link', { name: on, exact: true })).click();
    await page.locator(then).waitFor();
    return look();
  },

  async type({ text }) {
    await page.locator('input:not([type=hidden])').fill(text);
  },

  /** Waits without touching anything. */
  async await({ for: selector }) {
    await page.locator(selector).waitFor();
    return look();
  },

  /** While closed, the way back to the app leads nowhere, as where a phone does not open the app by itself. */
  async wayBack({ open }) {
    await (open ? page.unrouteAll() : page.route((url) => url.host !== serverName, (route) => route.fulfill({ status: 204 })));
  },

  /** By day and by night. */
  async picture({ name }) {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(pictures, `${name}-${colorScheme}.png`), fullPage: true });
    }

    await page.emulateMedia({ colorScheme: 'light' });
  },

  /** What the browser says of an address in a frame of the web app: its status, or why it is not shown. */
  async frame({ address }) {
    const answer = new Promise((resolve) => {
      page.on('requestfailed', (request) => request.url() === address && resolve(request.failure().errorText));
      page.on('requestfinished', async (request) => request.url() === address && resolve(String((await request.response()).status())));
    });
    await page.goto(`https://app.lab.test/frame?of=${encodeURIComponent(address)}`);
    return { answer: await answer };
  },
};

follow(instructions, () => browser.close());
