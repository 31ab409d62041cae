import { connect } from "node:net";
import { DaemonError, errnoName } from "../errors.js";
import { type Milliseconds, ms } from "../units.js";
import { parseStatus, type StatusDocument } from "./status.js";
import { parseWhy, type WhyDocument } from "./why.js";
import { parseServersWhy, type ServersWhy } from "./why-servers.js";

/** Some 100,000 real servers; more is not what we asked. */
const MAX_ANSWER_CHARS = 64 * 1024 * 1024;

/**
 * Asks the daemon at `path` for its status.
 * @throws DaemonError E_SOCKET with what to do when nobody answers, or not within `timeout`, or not as expected
 */
export async function askStatus(path: string, timeout: Milliseconds = ms(5000)): Promise<StatusDocument> {
  return ask(path, { get: "status" }, (answer) => parseStatus("status" in answer ? answer.status : undefined), timeout);
}

/** Why an instance or a server is in its state. @throws DaemonError as `askStatus`, and when there is none of that name */
export async function askWhy(
  path: string,
  instance: string,
  timeout: Milliseconds = ms(5000),
): Promise<WhyDocument | ServersWhy> {
  const read = (why: unknown): WhyDocument | ServersWhy | undefined => parseWhy(why) ?? parseServersWhy(why);
  return ask(path, { get: "why", instance }, (answer) => read("why" in answer ? answer.why : undefined), timeout);
}

/** JSON text of a `ServersDocument`, as it came: it may be of 30 MB. @throws DaemonError as `askStatus` */
export async function askServers(path: string, timeout: Milliseconds = ms(30_000)): Promise<string> {
  const line = await exchange(path, `${JSON.stringify({ get: "servers" })}\n`, timeout);
  const [before, after] = ['{"servers":', "}"];
  if (line.startsWith(before) && line.endsWith(after)) return line.slice(before.length, -after.length);
  throw refusal(path, parseJson(line)) ?? unexpected(path, line);
}

/** One request, one answer. @throws DaemonError as `askStatus` */
export async function ask<T>(
  path: string,
  request: object,
  read: (answer: object) => T | undefined,
  timeout: Milliseconds,
): Promise<T> {
  const line = await exchange(path, `${JSON.stringify(request)}\n`, timeout);
  const answer = parseJson(line);
  if (typeof answer !== "object" || answer === null) throw unexpected(path, line);
  const refused = refusal(path, answer);
  if (refused !== undefined) throw refused;
  const document = read(answer);
  if (document === undefined) throw unexpected(path, line);
  return document;
}

const refusal = (path: string, answer: unknown): DaemonError | undefined =>
  typeof answer === "object" && answer !== null && "error" in answer
    ? new DaemonError("E_SOCKET", `The daemon at ${path} refused: ${String(answer.error)}`)
    : undefined;

/** Sends one line, gives back one line. */
function exchange(path: string, request: string, timeout: Milliseconds): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const late = setTimeout(() => fail(`did not answer within ${timeout / 1000} s`), timeout);
    let chunks: string[] = [];
    let chars = 0;
    const end = (): void => {
      clearTimeout(late);
      socket.destroy();
      chunks = [];
    };
    const fail = (reason: string): void => {
      end();
      reject(new DaemonError("E_SOCKET", `The daemon at ${path} ${reason}`));
    };
    socket.setEncoding("utf8");
    socket.on("connect", () => socket.write(request));
    socket.on("data", (chunk: string) => {
      const newline = chunk.indexOf("\n");
      chunks.push(newline < 0 ? chunk : chunk.slice(0, newline));
      chars += chunk.length;
      const answer = newline < 0 ? undefined : chunks.join("");
      if (answer !== undefined) {
        end();
        resolve(answer);
      } else if (chars > MAX_ANSWER_CHARS) fail("sends more than a status can be");
    });
    socket.on("end", () => fail("closed the connection before it answered"));
    socket.on("error", (error) => {
      end();
      reject(new DaemonError("E_SOCKET", connectSentence(path, error), { cause: error }));
    });
  });
}

function connectSentence(path: string, error: unknown): string {
  switch (errnoName(error)) {
    case "ENOENT":
      return `No daemon: ${path} does not exist - is holdfast running, with this --control-socket or --pid?`;
    case "ECONNREFUSED":
      return `No daemon: nobody listens at ${path} any more - is holdfast running?`;
    case "EACCES":
    case "EPERM":
      return `No permission to use ${path} - run this as root`;
    default:
      return `Cannot talk with the daemon at ${path}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const unexpected = (path: string, line: string): DaemonError =>
  new DaemonError(
    "E_SOCKET",
    `What answers at ${path} is no holdfast of this version: ${JSON.stringify(line.slice(0, 80))}`,
  );
