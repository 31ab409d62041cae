/** The large configuration of the benches: 2,277 virtual servers with 37,205 real servers, one TCP check each. */
export interface BigConfig {
  readonly globals: string;
  /** One text per virtual server. */
  readonly services: readonly string[];
  /** All in one file. */
  readonly whole: string;
}

const SERVICES = 2277;
const SERVERS = 37_205;

export function bigConfig(): BigConfig {
  const globals = "global_defs {\n    router_id big\n}\n";
  let server = 0;
  const services = Array.from({ length: SERVICES }, (_, i) => {
    const until = Math.floor((SERVERS * (i + 1)) / SERVICES);
    let text = `virtual_server ${address(10, i + 1)} 80 {\n${settings}`;
    while (server < until) text += realServer(++server);
    return `${text}}\n`;
  });
  return { globals, services, whole: globals + services.join("") };
}

const settings = "    delay_loop 6\n    lvs_sched wrr\n    lvs_method DR\n    protocol TCP\n";

const realServer = (number: number): string => `    real_server ${address(11, number)} 80 {
        weight 1
        TCP_CHECK {
            connect_timeout 3
            retry 2
            delay_before_retry 2
            connect_port 80
        }
    }
`;

const address = (net: number, n: number): string => `${net}.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
