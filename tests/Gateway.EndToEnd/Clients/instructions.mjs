// What an instructed program of the lab has around its work (Lab/InstructedProgram.cs):
//
//   in:  {"id": 1, "do": "login", …}              one instruction a line; they run side by side
//   out: {"id": 1, "result": {…}}                 or {"id": 1, "error": {"status", "errcode", "softLogout", "message"}}
import { createInterface } from 'node:readline';

// Standard output carries answers only; what libraries say goes to the log.
for (const level of ['debug', 'info', 'log', 'trace']) {
  console[level] = console.error;
}

const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

/** Does what it is told until standard input ends, then `end`. */
export function follow(instructions, end = () => {}) {
  createInterface({ input: process.stdin }).on('line', async (line) => {
    const { id, do: name, ...rest } = JSON.parse(line);
    try {
      say({ id, result: (await instructions[name](rest)) ?? {} });
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
  }).on('close', async () => {
    await end();
    process.exit(0);
  });
}
