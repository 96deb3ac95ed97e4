// Serves the web app of this folder over HTTPS on loopback, on an origin of its own: its page, its bundle, the library's
// WebAssembly, and a page that frames whatever address it is given.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Web app</title>';

export async function serve({ folder, serverName, certificate, key, port }) {
  const modules = process.env.GATEWAY_NODE_MODULES;
  const { build } = createRequire(join(modules, 'x'))('esbuild');
  const bundle = await build({
    entryPoints: [join(folder, 'app.mjs')],
    bundle: true,
    format: 'esm',
    target: 'es2024',
    write: false,
    nodePaths: [modules],
    define: { global: 'globalThis' },
  });
  const files = {
    '/': ['text/html', `${head}<button id="sso">SSO</button> <button id="oauth">OAuth</button><p id="outcome"></p><script type="module" src="/app.js"></script>`],
    '/app.js': ['text/javascript', bundle.outputFiles[0].text.replaceAll('SERVER_NAME', serverName)],
    '/pkg/matrix_sdk_crypto_wasm_bg.wasm': [
      'application/wasm',
      readFileSync(join(modules, '@matrix-org/matrix-sdk-crypto-wasm/pkg/matrix_sdk_crypto_wasm_bg.wasm')),
    ],
  };
  const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
    const url = new URL(request.url, 'https://app.invalid');
    const framed = url.pathname === '/frame' && `${head}<iframe src="${url.searchParams.get('of').replaceAll('&', '&amp;')}"></iframe>`;
    const [type, content] = framed ? ['text/html', framed] : files[url.pathname] ?? [];
    response.writeHead(type ? 200 : 404, { 'content-type': type ?? 'text/plain' }).end(content);
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
}
