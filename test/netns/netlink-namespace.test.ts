import assert from "node:assert/strict";
import { readlinkSync } from "node:fs";
import { constants } from "node:os";
import { test } from "node:test";
import { NETLINK_ROUTE, openNetlink } from "../../native-bindings/netlink.js";
import { run } from "../harness/command.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

const options = { skip: needs("root", "netns", "native"), timeout: 60_000 };

/** RTM_GETLINK by name: linux/rtnetlink.h, linux/if_link.h IFLA_IFNAME. */
function getLink(name: string): Buffer {
  const text = Buffer.from(`${name}\0`.padEnd(8, "\0"));
  const message = Buffer.alloc(32 + 4 + text.length);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(18, 4);
  message.writeUInt16LE(1, 6);
  message.writeUInt16LE(4 + name.length + 1, 32);
  message.writeUInt16LE(3, 34);
  text.copy(message, 36);
  return message;
}

/** Index of a link as a socket has it, or the errno. */
async function indexOf(link: string, path?: string): Promise<number> {
  const answers: Buffer[] = [];
  const onError = (errno: number): never => assert.fail(`errno ${errno}`);
  const handlers = { onDatagram: (bytes: Buffer) => void answers.push(bytes), onError };
  using socket = openNetlink(NETLINK_ROUTE, 65_536, handlers, path);
  assert.equal(socket.send(getLink(link)), 0);
  await until("an answer", 5000, () => answers.length > 0);
  const [answer] = answers;
  const isLink = answer?.readUInt16LE(4) === 16;
  return (isLink ? answer?.readInt32LE(20) : answer?.readInt32LE(16)) ?? 0;
}

test("a netlink socket in another namespace; no thread of ours stays there", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const path = `/var/run/netns/${lan.host("a").namespace}`;
  const before = readlinkSync("/proc/thread-self/ns/net");
  await run([
    "ip",
    "-n",
    lan.host("a").namespace,
    "link",
    "add",
    "hf-there",
    "type",
    "veth",
    "peer",
    "name",
    "hf-peer",
  ]);
  assert.ok((await indexOf("hf-there", path)) > 0, "an interface of the namespace");
  assert.equal(await indexOf("hf-there"), -constants.errno.ENODEV, "and of no other");
  assert.equal(await indexOf("lo", "/proc/self/ns/net"), await indexOf("lo"), "the own one, by its file");
  assert.equal(readlinkSync("/proc/thread-self/ns/net"), before);
  const handlers = { onDatagram: () => assert.fail(), onError: () => assert.fail() };
  const open = (file: string) => (): unknown => openNetlink(NETLINK_ROUTE, 0, handlers, file);
  assert.throws(open(`${path}-gone`), { code: "ENOENT", syscall: "open" });
  assert.throws(open("/etc/hostname"), { code: "EINVAL", syscall: "setns" });
});
