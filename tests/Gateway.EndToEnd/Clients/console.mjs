// The admin's browser at the console, with an authenticator of its own for passkeys. Told what to do (instructions.mjs).
//
// Usage: node console.mjs PICTURES
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { follow } from './instructions.mjs';
import { fileOf, instructionsOf, launch } from './window.mjs';

const [pictures] = process.argv.slice(2);
const window = await launch();

const instructions = {
  ...instructionsOf(window, pictures),

  /** A laptop's own authenticator, whose owner says yes each time. */
  async authenticator() {
    const session = await window.page.context().newCDPSession(window.page);
    await session.send('WebAuthn.enable');
    await session.send('WebAuthn.addVirtualAuthenticator', {
      options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
    });
  },

  /** Chooses, by its label, what stands to choose from. */
  async choose({ label }) {
    await window.page.getByLabel(label, { exact: true }).check();
  },

  /** Opens what is covered, and waits until `then` can be seen. */
  async openUp({ selector, then }) {
    await window.page.locator(selector).click();
    await window.page.locator(then).first().waitFor();
  },

  /** Photographs one part of the page, as it is on the screen, and says where the picture is. */
  async shoot({ selector, name }) {
    const path = join(pictures, `${name}.png`);
    await window.page.locator(selector).first().screenshot({ path });
    return { path };
  },

  /** How a part of the page is drawn: its width in pixels of the screen. */
  async measure({ selector }) {
    return { width: (await window.page.locator(selector).first().boundingBox()).width };
  },

  /** What axe finds against WCAG 2.2 A and AA on the page as it is, by day and by night. */
  async axe() {
    const findings = [];
    for (const colorScheme of ['light', 'dark']) {
      await window.page.emulateMedia({ colorScheme });
      // By the debugger's hand: the page's own policy lets no such script in.
      await window.page.evaluate(await readFile(fileOf('axe-core/axe.min.js'), 'utf8'));
      const { violations } = await window.page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
      findings.push(...violations.map(({ id, nodes }) => `${colorScheme} ${id}: ${nodes.map((node) => node.target).join(', ')}`));
    }

    await window.page.emulateMedia({ colorScheme: 'light' });
    return { findings };
  },

  /** Presses a key. */
  async press({ key }) {
    await window.page.keyboard.press(key);
  },

  /** What has the focus: its text or its label. */
  async focus() {
    return { on: await window.page.evaluate(() => document.activeElement?.innerText || document.activeElement?.labels?.[0]?.innerText || document.activeElement?.tagName) };
  },

  async back() {
    await window.page.goBack();
  },

  async reload() {
    await window.page.reload();
  },

  async cookies() {
    return { cookies: await window.page.context().cookies() };
  },
};

follow(instructions, () => window.browser.close());
