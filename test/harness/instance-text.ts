/** A router of version 3 that is master within half a second, as it stands in a file. `more`: further lines of its block. */
export const instanceText = (vip = "192.0.2.51", more = ""): string => `vrrp_instance V1 {
  state BACKUP
  interface eth0
  version 3
  virtual_router_id 51
  priority 200
  advert_int 0.1
  virtual_ipaddress { ${vip}/24 }
${more}}
`;
