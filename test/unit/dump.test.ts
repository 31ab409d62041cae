import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test, { type TestContext } from "node:test";
import type { VrrpInstanceConfig } from "../../main/config/model.js";
import { DumpFiles, dumpDirectory } from "../../main/observe/dump-files.js";
import { vrrpData } from "../../main/observe/vrrp-data.js";
import { addressText, type VrrpDump } from "../../main/observe/vrrp-dump.js";
import { vrrpJson } from "../../main/observe/vrrp-json.js";
import { vrrpStats } from "../../main/observe/vrrp-stats.js";
import { ms } from "../../main/units.js";
import { virtualAddress } from "../harness/config-fixtures.js";
import { global, instance, live, script } from "./observe-fixtures.js";

const address = virtualAddress("192.0.2.1");

const v3: VrrpInstanceConfig = {
  ...instance,
  name: "VI_2",
  version: 3,
  advertInterval: ms(150),
  authPass: undefined,
  preempt: false,
  preemptDelay: ms(3000),
  garp: { ...instance.garp, masterDelay: ms(2500) },
  notify: { all: undefined, master: undefined, backup: undefined, fault: undefined, stop: undefined },
  virtualAddresses: [],
  excludedAddresses: [],
  trackScripts: [],
};

const dump: VrrpDump = {
  instances: [
    { config: instance, live },
    {
      config: v3,
      live: { ...live, state: "FAULT", wantState: "BACKUP", masterAdvertInterval: ms(150), vipsSet: false },
    },
  ],
  scripts: [{ config: script, status: "good", run: "idle", result: 1 }],
};

const text = (pieces: Iterable<string>): string => [...pieces].join("");

/** What keepalived 2.2.7 wrote for this configuration and state, but for the mask and 2.4's auth_ext counters. */
const firstJson = [
  '[{"data":{"iname":"VI_1","dont_track_primary":0,"skip_check_adv_addr":0,"strict_mode":0,"vmac_ifname":"",',
  '"ifp_ifname":"v0","master_priority":0,"last_transition":1795368758.795177,"garp_delay":5,"garp_refresh":0,',
  '"garp_rep":5,"garp_refresh_rep":1,"garp_lower_prio_delay":5,"garp_lower_prio_rep":5,"lower_prio_no_advert":0,',
  '"higher_prio_send_advert":0,"vrid":51,"base_priority":150,"effective_priority":152,"vipset":true,',
  '"promote_secondaries":false,"adver_int":1,"master_adver_int":1,"accept":1,"nopreempt":false,"preempt_delay":0,',
  '"state":2,"wantstate":2,"version":2,"smtp_alert":false,"notify_deleted":false,',
  "\"script_master\":\"'\\/usr\\/bin\\/echo' 'a' 'b'\",\"script\":\"'\\/usr\\/bin\\/true'\",",
  '"vips":["10.9.0.1\\/24 dev v0 scope global label v0:1 set","10.9.0.2 dev v0 scope global set",',
  '"10.9.0.3\\/24 brd 10.9.0.255 dev v0 scope link"],',
  '"evips":["fd00::1\\/64 dev v0 scope global preferred_lft forever set"],',
  '"track_script":["\'\\/usr\\/bin\\/true\'"],"auth_type":1,"auth_data":"********"},',
  '"stats":{"advert_rcvd":0,"advert_sent":3,"become_master":1,"release_master":0,"packet_len_err":0,',
  '"advert_interval_err":0,"ip_ttl_err":0,"invalid_type_rcvd":0,"addr_list_err":0,"invalid_authtype":0,',
  '"authtype_mismatch":0,"auth_failure":0,"auth_ext_missing":0,"auth_ext_malformed":0,"auth_ext_unknown_key":0,',
  '"auth_ext_invalid_hmac":0,"auth_ext_stale":0,"auth_ext_replay":0,"pri_zero_rcvd":0,"pri_zero_sent":0}}',
].join("");

test("keepalived.json is byte for byte keepalived's", () => {
  const json = text(vrrpJson(dump));
  assert.equal(json.slice(0, firstJson.length), firstJson);
  const parsed = JSON.parse(json) as { data: Record<string, unknown> }[];
  assert.ok(Array.isArray(parsed), "version 1 is an array");
  const { adver_int, garp_delay, nopreempt, preempt_delay, state, wantstate, vipset, auth_type } =
    parsed[1]?.data ?? {};
  assert.deepEqual(
    { adver_int, garp_delay, nopreempt, preempt_delay, state, wantstate, vipset, auth_type },
    {
      adver_int: 0.15,
      garp_delay: 2.5,
      nopreempt: true,
      preempt_delay: 3,
      state: 3,
      wantstate: 1,
      vipset: false,
      auth_type: 0,
    },
  );
  for (const absent of ["vips", "evips", "track_ifp", "track_script", "script", "auth_data"])
    assert.ok(!(absent in (parsed[1]?.data ?? {})), absent);
  assert.equal(text(vrrpJson({ instances: [], scripts: [] })), "[]\n");
});

test("the password is in no dump", () => {
  for (const pieces of [vrrpJson(dump), vrrpStats(dump), vrrpData(global, dump)])
    assert.doesNotMatch(text(pieces), /secret/);
});

test("addresses read as in keepalived's dumps", () => {
  const rows = [
    [{ ...address, address: "10.0.0.1" }, true, "10.0.0.1 dev eth0 scope global set"],
    [{ ...address, address: "10.0.0.1", prefix: 24, dev: "lo", scope: 254 }, false, "10.0.0.1/24 dev lo scope host"],
    [
      { ...address, address: "fe80::9", prefix: 128, more: { ...address.more, preferredLifetime: ms(0) } },
      true,
      "fe80::9 dev eth0 scope global deprecated set",
    ],
    [{ ...address, address: "10.0.0.1", scope: 77 }, false, "10.0.0.1 dev eth0 scope 77"],
  ] as const;
  for (const [virtual, isSet, want] of rows) assert.equal(addressText(virtual, "eth0", isSet), want);
});

test("keepalived.stats has the sections that exporters read", () => {
  const stats = text(vrrpStats(dump)).split("\n");
  assert.deepEqual(stats.slice(0, 13), [
    "VRRP Instance: VI_1",
    "  Advertisements:",
    "    Received: 0",
    "    Sent: 3",
    "  Became master: 1",
    "  Released master: 0",
    "  Packet Errors:",
    "    Length: 0",
    "    TTL: 0",
    "    Invalid Type: 0",
    "    Advertisement Interval: 0",
    "    Address List: 0",
    "  Authentication Errors:",
  ]);
  for (const line of stats) assert.match(line, /^$|^VRRP Instance: \S+$|^ {2}[\w ]+:$|^ {2,4}[\w ]+: \d+$/);
});

test("keepalived.data has the lines that exporters read", () => {
  const data = text(vrrpData(global, dump));
  const wanted = [
    " VRRP Instance = VI_1",
    "   State = MASTER",
    "   Wantstate = MASTER",
    "   Interface = v0",
    "   Using src_ip = 10.9.0.100",
    "   Gratuitous ARP delay = 5",
    "   Virtual Router ID = 51",
    "   Priority = 150",
    "   Effective priority = 152",
    "   Password = ********",
    "   Virtual IP (3):",
    "     10.9.0.1/24 dev v0 scope global label v0:1 set",
    "   Virtual IP Excluded :",
    "     fd00::1/64 dev v0 scope global preferred_lft forever set",
    "   Master state transition script = '/usr/bin/echo' 'a' 'b', uid:gid 0:0",
    " VRRP Script = chk",
    "   Status = GOOD",
    "   State = idle",
    "     VI_1, weight 2",
  ];
  const lines = data.split("\n");
  assert.deepEqual(
    wanted.filter((line) => !lines.includes(line)),
    [],
  );
  assert.match(data, /^ {3}Last transition = 1795368758\.795177 \(\w{3} \w{3} [ \d]\d [\d:]{8}\.795177 2026\)$/m);
});

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "holdfast-dump-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test("a dump is private, replaces a planted link instead of following it, and leaves nothing else", async (t) => {
  const dir = directory(t);
  const victim = join(dir, "victim");
  writeFileSync(victim, "untouched");
  symlinkSync(victim, join(dir, "keepalived.json"));
  await new DumpFiles(dir, 0o177).write("keepalived.json", () => ["[", "]"]);
  assert.equal(readFileSync(victim, "utf8"), "untouched");
  assert.ok(lstatSync(join(dir, "keepalived.json")).isFile());
  assert.equal(statSync(join(dir, "keepalived.json")).mode & 0o777, 0o600);
  assert.equal(readFileSync(join(dir, "keepalived.json"), "utf8"), "[]");
  assert.deepEqual(readdirSync(dir).sort(), ["keepalived.json", "victim"]);
});

test("the mode follows -u, whatever the process's umask", async (t) => {
  const dir = directory(t);
  await new DumpFiles(dir, 0o022).write("keepalived.data", () => ["x"]);
  assert.equal(statSync(join(dir, "keepalived.data")).mode & 0o777, 0o644);
});

/** Prints the events of a directory as inotify gives them; Node's fs.watch does not subscribe to IN_CLOSE_WRITE. */
const watcher = `
import ctypes, os, struct, sys
libc = ctypes.CDLL(None)
fd = libc.inotify_init1(0)
assert libc.inotify_add_watch(fd, sys.argv[1].encode(), 0x8 | 0x80) > 0  # IN_CLOSE_WRITE, IN_MOVED_TO
print("ready", flush=True)
while True:
    data = os.read(fd, 65536)
    while data:
        _, mask, _, length = struct.unpack_from("iIII", data)
        print("closed" if mask & 8 else "moved", data[16:16 + length].rstrip(b"\\0").decode(), flush=True)
        data = data[16 + length:]
`;

const python = spawnSync("python3", ["-c", "import ctypes"]).status === 0;

test("those who wait for IN_CLOSE_WRITE of the final name get it after the rename", {
  skip: python ? false : "python3",
  timeout: 20_000,
}, async (t) => {
  const dir = directory(t);
  const child = spawn("python3", ["-c", watcher, dir], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill());
  const events: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === "ready") void new DumpFiles(dir, 0o177).write("keepalived.json", () => ["[]"]);
    else events.push(line);
    if (line === "closed keepalived.json") break;
  }
  assert.deepEqual(events.slice(-2), ["moved keepalived.json", "closed keepalived.json"]);
});

test("requests that pile up are answered with the newest text", async (t) => {
  const dir = directory(t);
  const files = new DumpFiles(dir, 0o177);
  const built: number[] = [];
  const request = (n: number) =>
    files.write("keepalived.stats", () => {
      built.push(n);
      return [String(n)];
    });
  await Promise.all([1, 2, 3, 4, 5].map(request));
  assert.equal(readFileSync(join(dir, "keepalived.stats"), "utf8"), "5");
  assert.deepEqual(built, [1, 5]);
  await request(6);
  assert.equal(readFileSync(join(dir, "keepalived.stats"), "utf8"), "6");
});

test("a dump that cannot be written fails, and the next one works", async (t) => {
  const dir = directory(t);
  const files = new DumpFiles(dir, 0o177);
  const broken = function* (): Generator<string> {
    yield "half";
    throw new Error("broken source");
  };
  await assert.rejects(files.write("keepalived.json", broken), /broken source/);
  assert.deepEqual(readdirSync(dir), []);
  await assert.rejects(
    new DumpFiles(join(dir, "missing"), 0o177).write("x", () => [""]),
    { code: "ENOENT" },
  );
  await files.write("keepalived.json", () => ["[]"]);
  assert.deepEqual(readdirSync(dir), ["keepalived.json"]);
});

test("the directory is TMPDIR only when that is an absolute directory", (t) => {
  const dir = directory(t);
  writeFileSync(join(dir, "file"), "");
  const rows = [
    [undefined, "/tmp"],
    ["", "/tmp"],
    ["relative", "/tmp"],
    [join(dir, "missing"), "/tmp"],
    [join(dir, "file"), "/tmp"],
    [dir, dir],
  ] as const;
  for (const [tmp, want] of rows) assert.equal(dumpDirectory(tmp), want);
});
