import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { datagramAge } from "../../native-bindings/datagram-age.js";
import { needs } from "../harness/needs.js";

const skip = needs("native");

/** Node keeps the descriptor to itself. */
const fdOf = (socket: Socket): number =>
  (socket as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;

test("the age of a datagram counts from its arrival", { skip }, async () => {
  const socket = createSocket("udp4");
  try {
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", () => resolve()));
    const fd = fdOf(socket);
    datagramAge(fd); // from now on times are noted
    const arrived = once(socket, "message");
    const sent = performance.now();
    socket.send("x", socket.address().port, "127.0.0.1");
    await arrived;
    await sleep(30);
    const age = datagramAge(fd);
    assert.ok(age >= 25 && age <= performance.now() - sent + 1, `${age} ms`);
  } finally {
    socket.close();
  }
});

test("what is no socket has no datagrams", { skip }, () => {
  assert.equal(datagramAge(-1), Number.NaN);
  assert.equal(datagramAge(2 ** 31 - 1), Number.NaN);
  for (const wrong of ["1", Number.NaN, 0.5, null]) assert.throws(() => datagramAge(wrong as number), TypeError);
});
