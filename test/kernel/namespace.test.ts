import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { needs } from "../harness/needs.js";
import { projectRoot } from "../harness/project.js";
import { guestResults, runInUml } from "../harness/uml.js";

const config = `net_namespace work
net_namespace_ipvs lvs
virtual_server 192.0.2.1 80 {
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server 192.0.2.2 80 { weight 3 }
}
`;

/** Prints the table of each namespace, while the daemon runs and when it has ended. */
const job = `
for name in work lvs; do ip netns add $name; ip -n $name link set lo up; done
tables() { for name in work lvs; do echo "$1 $name: $(ip netns exec $name ipvsadm -Sn)"; done; echo "$1 own: $(ipvsadm -Sn)"; }
ipvsadm -Sn
${path.join(projectRoot, "bin/holdfast")} -n -l -D -G --ipvs kernel -f ${guestResults}/a.conf > ${guestResults}/log 2>&1 &
for try in $(seq 600); do grep -q 'Startup complete' ${guestResults}/log && break; sleep 0.2; done
tables running
kill $!
wait
tables ended
cat ${guestResults}/log
`;

const options = { skip: needs("root", "native", "uml", "ipvsadm"), timeout: 250_000 };

test("the daemon works in one namespace and balances in another", options, async () => {
  const resultsDir = await mkdtemp(path.join(tmpdir(), "holdfast-uml-"));
  try {
    await writeFile(path.join(resultsDir, "a.conf"), config);
    const { output } = await runInUml({ argv: ["sh", "-c", job], resultsDir, timeoutMs: 240_000 });
    const table = "-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 192.0.2.2:80 -g -w 3\n";
    const said = output.replaceAll("\r", "");
    assert.ok(said.includes(`running work: \nrunning lvs: ${table}running own: \n`), said);
    assert.ok(said.includes("ended work: \nended lvs: \nended own: \n"), said);
  } finally {
    await rm(resultsDir, { recursive: true, force: true });
  }
});
