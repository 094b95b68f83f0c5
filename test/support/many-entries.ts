/** A config.toml of many entries, as large fleets have them: about 330 bytes each. */
export function manyEntries(count: number): string {
  const entries = Array.from(
    { length: count },
    (_, index) => `
[[runners]]
  name = "fleet-${index}"
  url = "https://gitlab.example.com/"
  token = "glrt-t1_${String(index).padStart(9, '0')}CANARYcanary"
  executor = "docker"
  request_concurrency = 2
  environment = ["LANG=C", "HTTPS_PROXY=http://me:CANARYcanary@proxy:3128"]
  [runners.docker]
    image = "debian:12"
    memory = "2g"
    volumes = ["/cache"]
`,
  );
  return `concurrent = ${count}\n${entries.join('')}`;
}
