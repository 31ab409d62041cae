/**
 * Stands in for the daemon under the real launcher: does what the test says over a socket (FAKE_CONTROL) and reports
 * everything that it hears. Started by HOLDFAST_DAEMON_SCRIPT.
 */
import { readSync, writeSync } from "node:fs";
import { connect, Socket } from "node:net";
import { createInterface } from "node:readline";

/** What the test may ask for. One JSON value per line. */
export type Command =
  | { readonly do: "send"; readonly bytes: string }
  | { readonly do: "print"; readonly text: string }
  | { readonly do: "poke"; readonly text: string }
  | { readonly do: "peek"; readonly length: number }
  | { readonly do: "signal"; readonly signal: NodeJS.Signals }
  | { readonly do: "exit"; readonly code: number };

export interface Hello {
  readonly pid: number;
  readonly argv0: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What it reports. `at`: wall clock in milliseconds, comparable with the test's on the same machine. */
export type Report =
  | { readonly kind: "hello"; readonly hello: Hello }
  | { readonly kind: "line"; readonly line: string; readonly at: number }
  | { readonly kind: "peeked"; readonly text: string }
  | { readonly kind: "signal"; readonly signal: string };

const LINK = 3;
const STATE = 4;

const link = new Socket({ fd: LINK, readable: true, writable: true });
const control = connect(process.env["FAKE_CONTROL"] ?? "");
const report = (value: Report): void => void control.write(`${JSON.stringify(value)}\n`);

function obey(command: Command): void {
  switch (command.do) {
    case "send":
      link.write(command.bytes);
      return;
    case "print":
      process.stderr.write(command.text);
      return;
    case "poke":
      writeSync(STATE, command.text, 0);
      return;
    case "peek": {
      const bytes = Buffer.alloc(command.length);
      readSync(STATE, bytes, 0, command.length, 0);
      report({ kind: "peeked", text: bytes.toString("latin1") });
      return;
    }
    case "signal":
      process.kill(process.pid, command.signal);
      return;
    default:
      link.end(() => process.exit(command.code));
  }
}

process.on("SIGTERM", () => report({ kind: "signal", signal: "SIGTERM" }));
createInterface({ input: link }).on("line", (line) => report({ kind: "line", line, at: Date.now() }));
createInterface({ input: control }).on("line", (line) => obey(JSON.parse(line) as Command));
link.on("error", () => undefined);
// The test has ended: nothing may be left behind.
control.on("close", () => process.exit(0));

const env = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? ""]));
const hello = { pid: process.pid, argv0: process.argv0, args: process.argv.slice(2), cwd: process.cwd(), env };
report({ kind: "hello", hello });
