import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { holdfast } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

/** Sizes of receive buffers as the kernel has them: twice what was asked for. */

/** Domain, protocol and receive buffer of every socket of a process: `ss` does not show the memory of raw sockets. */
const sizes = `
import ctypes, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
pid = int(sys.argv[1])
pidfd = libc.syscall(434, pid, 0)
for name in os.listdir("/proc/%d/fd" % pid):
    fd = libc.syscall(438, pidfd, int(name), 0)
    if fd < 0: continue
    try:
        s = socket.socket(fileno=fd)
        print(*(s.getsockopt(1, option) for option in (39, 38, 8)))
    except OSError:
        os.close(fd)
`;

const options = { skip: needs("root", "netns", "native"), timeout: 60_000 };
const text = (own: string): string => `global_defs {
  vrrp_rx_bufs_policy MTU
  vrrp_rx_bufs_multiplier 20
  vrrp_netlink_monitor_rcv_bufs 7340032
}
vrrp_instance A {
  interface eth0
  virtual_router_id 51
  virtual_ipaddress {
    192.0.2.100
  }
}
vrrp_instance B {
  interface eth0
  virtual_router_id 52
  ${own}
  virtual_ipaddress {
    192.0.2.101
  }
}
vrrp_instance C {
  interface eth0
  virtual_router_id 53
  virtual_ipaddress {
    fe80::53
  }
}
`;
/** socket(2): domains and protocols. */
const IPV4_VRRP = "2 112";
const IPV6_VRRP = "10 112";
const RTNETLINK = "16 0";

test("receive buffers of adverts and netlink; a reload changes those of adverts", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const a = lan.host("a");
  const daemon = await a.start(holdfast("memory"), text(""), ["--vrrp"]);
  await until("it runs", 20_000, async () => (await daemon.log()).includes("Startup complete"));
  const has = async (socket: string, bytes: number): Promise<boolean> => {
    const all = await a.exec(["python3", "-c", sizes, String(daemon.nodePid)]);
    return all.split("\n").includes(`${socket} ${2 * bytes}`);
  };
  await until("two instances share a socket", 10_000, () => has(IPV4_VRRP, 2 * 20 * 1500), 100);
  await until("the socket for IPv6", 10_000, () => has(IPV6_VRRP, 20 * 1500), 100);
  assert.ok(await has(RTNETLINK, 7_340_032));
  await writeFile(daemon.files.config, text("kernel_rx_buf_size 100000"));
  daemon.signal("SIGHUP");
  await until("a reload", 10_000, () => has(IPV4_VRRP, 20 * 1500 + 100_000), 100);
});
