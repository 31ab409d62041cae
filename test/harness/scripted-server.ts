import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** What the attempts of one check get, in their order: `.` what they want, `x` what they do not, `-` silence. The last one goes on. */
export type Script = string;

export type ScriptedKind = "UDP_CHECK" | "DNS_CHECK" | "HTTP_GET" | "SMTP_CHECK";

/** A server on 127.0.0.1 that plays a script, and notes when each attempt came. */
export interface ScriptedServer extends Disposable {
  readonly port: number;
  /** ms of performance.now(). */
  readonly attempts: readonly number[];
}

export async function scriptedServer(kind: ScriptedKind, script: Script): Promise<ScriptedServer> {
  const attempts: number[] = [];
  const next = (): string => {
    attempts.push(performance.now());
    return script[Math.min(attempts.length, script.length) - 1] ?? ".";
  };
  const isDatagram = kind === "UDP_CHECK" || kind === "DNS_CHECK";
  const { port, close } = isDatagram ? await byDatagram(kind, next) : await byConnection(kind, next);
  return { port, attempts, [Symbol.dispose]: close };
}

interface Listening {
  readonly port: number;
  readonly close: () => void;
}

async function byDatagram(kind: ScriptedKind, next: () => string): Promise<Listening> {
  const socket = createSocket("udp4");
  socket.on("message", (datagram: Buffer, from) => {
    const act = next();
    if (act === "-") return;
    const answer = kind === "DNS_CHECK" ? Buffer.from(datagram) : Buffer.from(act === "." ? "a" : "b");
    if (kind === "DNS_CHECK") {
      answer[2] = 0x81;
      answer[3] = act === "." ? 0 : 2;
    }
    socket.send(answer, from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { port: socket.address().port, close: () => socket.close() };
}

async function byConnection(kind: ScriptedKind, next: () => string): Promise<Listening> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    const act = next();
    if (act !== "-") (kind === "HTTP_GET" ? servePage : serveMail)(socket, act === ".");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

function servePage(socket: Socket, isGood: boolean): void {
  socket.once("data", () => socket.end(`HTTP/1.0 ${isGood ? "200 OK" : "503 Busy"}\r\nContent-Length: 0\r\n\r\n`));
}

function serveMail(socket: Socket, isGood: boolean): void {
  const replies = ["250 ok\r\n", "221 bye\r\n"];
  socket.on("data", () => {
    const reply = replies.shift();
    if (reply !== undefined) socket.write(reply);
  });
  socket.on("end", () => socket.end());
  socket.write(isGood ? "220 mx\r\n" : "554 no\r\n");
}
