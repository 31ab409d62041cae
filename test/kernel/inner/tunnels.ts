// Inside the guest: requests through every kind of tunnel really arrive at the web server, which answers the client by itself.
import { Cluster, directorDevice, vip, webAddress } from "../../harness/cluster.js";
import { holdfast } from "../../harness/daemon.js";
import { loadIpvs, savedTable } from "../../harness/ipvs.js";
import { until } from "../../harness/until.js";
import { tunnelSteps } from "../steps.js";
import { Results } from "./results.js";

/** A daemon starts in a guest with one slow processor. */
const PATIENCE = 90_000;
/** By step; the service as a whole asks for it, or the server alone. */
const methods: Readonly<Record<keyof typeof tunnelSteps, readonly [ofService: string, ofServer: string]>> = {
  ipip: ["TUN", ""],
  gue: ["TUN type gue port 6080", ""],
  gre: ["TUN type gre", ""],
  server: ["NAT", "lvs_method TUN type gue port 6080"],
};

const results = new Results();
await using cluster = await Cluster.create();
const [director, web] = [cluster.host("director1"), cluster.host("web1")];
await loadIpvs(director);
await cluster.startWeb("web1");
await director.exec(["ip", "addr", "add", `${vip}/32`, "dev", directorDevice]);
await web.exec(["modprobe", "-a", "fou", "ipip", "ip_gre"]);
await web.exec(["ip", "fou", "add", "port", "6080", "gue"]);
for (const device of ["tunl0", "gre0"]) {
  await web.exec(["ip", "link", "set", device, "up"]);
  await web.sysctl({ [`net.ipv4.conf.${device}.rp_filter`]: "0" });
}
await web.sysctl({ "net.ipv4.conf.all.rp_filter": "0" });

for (const [step, name] of Object.entries(tunnelSteps))
  await results.step(name, async () => {
    const [ofService, ofServer] = methods[step as keyof typeof tunnelSteps];
    const daemon = await director.start(
      holdfast("kernel"),
      `virtual_server ${vip} 80 {
  lb_algo rr
  lb_kind ${ofService}
  protocol TCP
  real_server ${webAddress.web1} 80 {
    ${ofServer}
  }
}
`,
    );
    try {
      await until("the client is answered", PATIENCE, async () => (await cluster.request(vip)) === "web1", 100);
      return (await savedTable(director)).join("; ");
    } catch (error) {
      const table = (await savedTable(director)).join("; ");
      throw new Error(`${String(error)}\n${table}\n${await daemon.log()}`, { cause: error });
    } finally {
      await daemon.stop();
    }
  });
