import { createHash } from "node:crypto";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { parseArgs } from "node:util";
import { errnoName } from "../errors.js";
import { hexLines } from "./hex-lines.js";

const usage = `Usage: genhash COMMAND [OPTIONS]
Commands:
   -s server-address -p port -u url
   -S -s server-address -p port -u url
   -h
Options:
   --use-ssl         -S       TLS to the server
   --use-sni         -I       Name the virtual host in the TLS handshake (see -V)
   --server          -s       Address of the server
   --port            -p       Its port (default 80)
   --url             -u       What to ask for
   --use-virtualhost -V       Virtual host in the request
   --verbose         -v       Show the answer too
   --protocol        -P       1.0, 1.0c (with 'Connection: close') or 1.1
   --timeout         -t       Seconds of silence after which it fails (default 5)
   --help            -h       This text
`;

interface Question {
  readonly server: string;
  readonly port: number;
  readonly request: string;
  /** Undefined: no TLS. Empty: without a name. */
  readonly serverName: string | undefined;
  readonly timeoutMs: number;
  readonly verbose: boolean;
}

const options = {
  "use-ssl": { type: "boolean", short: "S" },
  "use-sni": { type: "boolean", short: "I" },
  server: { type: "string", short: "s" },
  port: { type: "string", short: "p", default: "80" },
  url: { type: "string", short: "u" },
  "use-virtualhost": { type: "string", short: "V" },
  verbose: { type: "boolean", short: "v" },
  protocol: { type: "string", short: "P", default: "1.0" },
  timeout: { type: "string", short: "t", default: "5" },
  help: { type: "boolean", short: "h" },
} as const;

/** A wrong command line. */
class Wrong extends Error {}

/** Undefined: help is asked for. */
function questionOf(argv: readonly string[]): Question | undefined {
  const { values } = parseArgs({ args: [...argv], options, strict: true });
  if (values.help === true) return undefined;
  const { server = "", url = "", port, protocol, timeout } = values;
  if (isIP(server) === 0) throw new Wrong(`server should be an IP, not '${server}'`);
  if (url === "") throw new Wrong("no url is given");
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) throw new Wrong(`'${port}' is no port`);
  if (!["1.0", "1.0c", "1.1"].includes(protocol)) throw new Wrong(`'${protocol}' is not 1.0, 1.0c or 1.1`);
  if (!/^\d{1,6}$/.test(timeout) || Number(timeout) < 1) throw new Wrong(`'${timeout}' is no number of seconds`);
  const virtualHost = values["use-virtualhost"];
  const host = virtualHost ?? `${isIP(server) === 6 ? `[${server}]` : server}:${port}`;
  const serverName = values["use-sni"] === true ? (virtualHost ?? "") : "";
  return {
    server,
    port: Number(port),
    request: requestFor(url, host, protocol),
    serverName: values["use-ssl"] === true ? serverName : undefined,
    timeoutMs: Number(timeout) * 1000,
    verbose: values.verbose === true,
  };
}

/** The bytes that HTTP_GET sends: what it gets for them is what its digest has to fit (workers/http-request.ts). */
function requestFor(url: string, host: string, protocol: string): string {
  const connection = protocol === "1.0" ? "" : "Connection: close\r\n";
  return `GET ${url} HTTP/${protocol.slice(0, 3)}\r\nUser-Agent: KeepAliveClient\r\n${connection}Host: ${host}\r\n\r\n`;
}

interface Answer {
  /** With the empty line at its end; undefined: it is no HTTP. */
  readonly head: Buffer | undefined;
  readonly digest: string;
  /** Where all of it is to be shown: a page may be larger than the memory. */
  readonly body: Buffer | undefined;
  readonly octets: number;
}

/** A server that says more before its empty line speaks something else. */
const LONGEST_HEAD = 64 * 1024;

/** Of everything that the server sends until it closes the connection. @throws system error */
async function answerTo({ server: host, port, request, serverName, timeoutMs, verbose }: Question): Promise<Answer> {
  const tls = { host, port, rejectUnauthorized: false, ...(serverName ? { servername: serverName } : {}) };
  const socket: Socket = serverName === undefined ? connect({ host, port }) : connectTls(tls);
  socket.setTimeout(timeoutMs, () => socket.destroy(Object.assign(new Error("timed out"), { code: "ETIMEDOUT" })));
  socket.write(request);
  const digest = createHash("md5");
  const body: Buffer[] = [];
  let [head, octets, isWhole] = [Buffer.alloc(0), 0, false];
  for await (const piece of socket as AsyncIterable<Buffer>) {
    octets += piece.length;
    let rest = piece;
    if (!isWhole) {
      const all = Buffer.concat([head, piece]);
      const end = all.indexOf("\r\n\r\n", Math.max(0, head.length - 3));
      isWhole = end >= 0;
      head = isWhole ? all.subarray(0, end + 4) : all;
      rest = all.subarray(head.length);
      if (!isWhole && head.length > LONGEST_HEAD) break;
    }
    digest.update(rest);
    if (verbose) body.push(rest);
  }
  const found = { digest: digest.digest("hex"), octets };
  return { ...found, head: isWhole ? head : undefined, body: verbose ? Buffer.concat(body) : undefined };
}

/** Prints the MD5 digest of a page, as `digest` of HTTP_GET has it. @returns exit code: 0; 1 when there is none */
async function run(argv: readonly string[]): Promise<number> {
  let question: Question | undefined;
  try {
    question = questionOf(argv);
  } catch (error) {
    // node:util's parseArgs throws TypeErrors
    if (!(error instanceof Wrong || error instanceof TypeError)) throw error;
    process.stderr.write(`${error.message.split("\n")[0]}\n${usage}`);
    return 1;
  }
  if (question === undefined) {
    process.stdout.write(usage);
    return 0;
  }
  try {
    return tell(await answerTo(question), question);
  } catch (error) {
    const why = errnoName(error);
    if (why === undefined) throw error;
    process.stderr.write(`Connection failed: ${question.server} port ${question.port}: ${why}\n`);
    return 1;
  }
}

function tell({ head, digest, body, octets }: Answer, { server }: Question): number {
  if (head === undefined) {
    process.stderr.write(`${server} sent no HTTP answer (${octets} octets)\n`);
    return 1;
  }
  const rule = (title: string): string =>
    `-----------------------[ ${title.padStart(22).padEnd(24)} ]-----------------------\n`;
  if (body !== undefined) {
    process.stdout.write(rule("HTTP Header Buffer") + hexLines(head));
    process.stdout.write(rule("HTTP Header Ascii Buffer") + head.toString("latin1"));
    process.stdout.write(rule("HTML Buffer") + hexLines(body));
    process.stdout.write(rule("HTML hash final result"));
  }
  process.stdout.write(`${digest}\n`);
  return 0;
}

process.exitCode = await run(process.argv.slice(2));
