// The browser of a phone, beside a web app on its own origin. Told what to do (instructions.mjs).
//
// Usage: node browser.mjs SERVER_NAME CERTIFICATE KEY PICTURES
import { join } from 'node:path';
import { follow } from './instructions.mjs';
import { instructionsOf, launch } from './window.mjs';
import { serve } from './web/host.mjs';

const [serverName, certificate, key, pictures] = process.argv.slice(2);
await serve({ folder: join(import.meta.dirname, 'web'), serverName, certificate, key, port: 443 });
const window = await launch();

const instructions = {
  ...instructionsOf(window, pictures),

  /** While closed, the way back to the app leads nowhere, as where a phone does not open the app by itself. */
  async wayBack({ open }) {
    await (open ? window.page.unrouteAll() : window.page.route((url) => url.host !== serverName, (route) => route.fulfill({ status: 204 })));
  },

  /** What the browser says of an address in a frame of the web app: its status, or why it is not shown. */
  async frame({ address }) {
    const { page } = window;
    const answer = new Promise((resolve) => {
      page.on('requestfailed', (request) => request.url() === address && resolve(request.failure().errorText));
      page.on('requestfinished', async (request) => request.url() === address && resolve(String((await request.response()).status())));
    });
    await page.goto(`https://app.lab.test/frame?of=${encodeURIComponent(address)}`);
    return { answer: await answer };
  },
};

follow(instructions, () => window.browser.close());
