import type { ChildProcess } from "node:child_process";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Host } from "./host.js";
import { compiled } from "./project.js";

/** A mail as it came over the wire: header lines unfolded, the body decoded. */
export interface SunkMail {
  readonly from: string;
  readonly recipients: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Takes every mail that is sent to 127.0.0.1, port 25, of a host. */
export class MailSink {
  readonly mails: SunkMail[] = [];
  readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
  }

  static async start(host: Host): Promise<MailSink> {
    const program = compiled("test/harness/mail-sink.ts");
    const child = await host.spawn([process.execPath, program], { stdio: ["ignore", "pipe", "inherit"] });
    const sink = new MailSink(child);
    if (child.stdout === null) throw new Error("no standard output");
    const lines = createInterface({ input: child.stdout });
    await new Promise<void>((resolve) => lines.once("line", () => resolve()));
    lines.on("line", (line) => sink.mails.push(JSON.parse(line)));
    return sink;
  }
}

function serve(socket: Socket): void {
  let [pending, from, inMessage] = ["", "", false];
  let recipients: string[] = [];
  const say = (text: string): void => void socket.write(`${text}\r\n`);
  const hear = (line: string): void => {
    if (inMessage) {
      inMessage = false;
      console.log(JSON.stringify(parseMail(from, recipients, line)));
      recipients = [];
      say("250 taken");
      return;
    }
    const address = /<(.*)>/.exec(line)?.[1] ?? "";
    if (line.startsWith("MAIL")) from = address;
    if (line.startsWith("RCPT")) recipients.push(address);
    inMessage = line === "DATA";
    if (line === "QUIT") socket.end("221 bye\r\n");
    else say(inMessage ? "354 go on" : "250 ok");
  };
  socket.on("error", () => socket.destroy());
  socket.on("data", (bytes) => {
    pending += bytes.toString("latin1");
    for (;;) {
      const mark = inMessage ? "\r\n.\r\n" : "\r\n";
      const end = pending.indexOf(mark);
      if (end < 0) return;
      const line = pending.slice(0, end);
      pending = pending.slice(end + mark.length);
      hear(line);
    }
  });
  say("220 sink");
}

/** @param text as of DATA, without the dot at its end */
export function parseMail(from: string, recipients: readonly string[], text: string): SunkMail {
  const end = text.indexOf("\r\n\r\n");
  const head = text.slice(0, end).replaceAll(/\r\n[ \t]+/g, " ");
  const headers = Object.fromEntries(
    head.split("\r\n").map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
  const raw = text.slice(end + 4).replaceAll("\r\n..", "\r\n.");
  const isEncoded = headers["Content-Transfer-Encoding"] === "quoted-printable";
  const body = isEncoded ? unquote(raw) : raw;
  return { from, recipients, headers, body };
}

/** RFC 2045 §6.7. */
const unquote = (text: string): string =>
  text
    .replaceAll("=\r\n", "")
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

if (process.argv[1] === import.meta.filename)
  createServer(serve).listen(25, "127.0.0.1", () => console.log("listening"));
