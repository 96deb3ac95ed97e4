// The admin's browser at the console. Told what to do (instructions.mjs).
//
// Usage: node console.mjs PICTURES
import { join } from 'node:path';
import { follow } from './instructions.mjs';
import { instructionsOf, launch } from './window.mjs';

const [pictures] = process.argv.slice(2);
const window = await launch();

const instructions = {
  ...instructionsOf(window, pictures),

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

};

follow(instructions, () => window.browser.close());
