import { createSocket } from "node:dgram";
import { createServer as createHttp, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import { createServer, type Server } from "node:net";
import { createInterface } from "node:readline";
import { cert, key } from "./tls-identity.js";

/**
 * A program for a network namespace: servers on 127.0.0.1, one of each kind of check, that do well until standard input says
 * `bad KIND`, and again with `good KIND`.
 */
const good = new Map<string, boolean>();
const isGood = (kind: string): boolean => good.get(kind) !== false;

export const switchedPorts = { tcp: 8001, http: 8002, https: 8003, smtp: 8004, dns: 8005, udp: 8006 } as const;

const answerHttp =
  (kind: string): RequestListener =>
  (_request, response) => {
    response.writeHead(isGood(kind) ? 200 : 503, { "Content-Length": 0, Connection: "close" }).end();
  };

function mailServer(): Server {
  return createServer((socket) => {
    socket.on("error", () => socket.destroy());
    const replies = ["250 ok\r\n", "221 bye\r\n"];
    socket.on("data", () => {
      const reply = replies.shift();
      if (reply !== undefined) socket.write(reply);
    });
    socket.write(isGood("smtp") ? "220 mx\r\n" : "554 no\r\n");
  });
}

function nameServer(): void {
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    const answer = Buffer.from(query);
    answer[2] = 0x81;
    answer[3] = isGood("dns") ? 0 : 2; // SERVFAIL
    socket.send(answer, from.port, from.address);
  });
  socket.bind(switchedPorts.dns, "127.0.0.1");
}

function datagramServer(): void {
  const socket = createSocket("udp4");
  socket.on("message", (_datagram, from) => {
    socket.send(isGood("udp") ? "\u0001" : "\u0002", from.port, from.address);
  });
  socket.bind(switchedPorts.udp, "127.0.0.1");
}

function plainServer(): (on: boolean) => void {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.resume();
  });
  const open = (): void => void server.listen(switchedPorts.tcp, "127.0.0.1");
  open();
  return (on) => (on ? open() : void server.close());
}

if (process.argv[1] === import.meta.filename) {
  const setPlain = plainServer();
  createHttp(answerHttp("http")).listen(switchedPorts.http, "127.0.0.1");
  createHttps({ cert, key }, answerHttp("https")).listen(switchedPorts.https, "127.0.0.1");
  mailServer().listen(switchedPorts.smtp, "127.0.0.1");
  nameServer();
  datagramServer();
  createInterface({ input: process.stdin }).on("line", (line) => {
    const [how, kind = ""] = line.split(" ");
    good.set(kind, how === "good");
    if (kind === "tcp") setPlain(how === "good");
  });
}
