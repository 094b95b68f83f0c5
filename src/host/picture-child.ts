/**
 * The child process that describes this host for an incident. systeminformation starts `lscpu`, `lsblk`, `ip` and
 * others, and reads files that may hang; in a child that delays nothing. Prints a line of JSON for each part as soon
 * as it is known.
 */
import { writeSync } from 'node:fs';

import { blockDevices, cpu, mem, networkInterfaces, osInfo, system } from 'systeminformation';

import type { HostPicture } from './picture.ts';

async function readSystem(): Promise<HostPicture['system']> {
  const { distro, release, codename, kernel, arch, uefi } = await osInfo();
  return {
    distribution: [distro, release, codename].join(' ').trim(),
    kernel,
    arch,
    uefi: uefi ?? false,
  };
}

async function readMachine(): Promise<HostPicture['machine']> {
  const { manufacturer, model, virtual, virtualHost } = await system();
  return { manufacturer, model, isVirtual: virtual ?? false, hypervisor: virtualHost ?? '' };
}

async function readProcessor(): Promise<HostPicture['processor']> {
  const { manufacturer, brand, cores, physicalCores, speedMax, governor } = await cpu();
  return {
    model: `${manufacturer} ${brand}`.trim(),
    cores,
    physicalCores,
    maxGigahertz: speedMax,
    governor,
  };
}

async function readMemory(): Promise<HostPicture['memory']> {
  const { total, available, buffcache, swaptotal, swapused } = await mem();
  return {
    totalBytes: total,
    availableBytes: available,
    cacheBytes: buffcache,
    swapBytes: swaptotal,
    swapUsedBytes: swapused,
  };
}

async function readDisks(): Promise<HostPicture['disks']> {
  const devices = await blockDevices();
  return devices.map(({ name, type, fsType, mount, size, physical, model }) => ({
    name,
    type,
    fileSystem: fsType,
    mountPoint: mount,
    sizeBytes: size,
    technology: physical,
    model,
  }));
}

async function readInterfaces(): Promise<HostPicture['interfaces']> {
  const found = await networkInterfaces();
  return (Array.isArray(found) ? found : [found]).map((one) => ({
    name: one.iface,
    state: one.operstate,
    isDefault: one.default,
    address4: one.ip4,
    address6: one.ip6,
    mtu: one.mtu ?? 0,
    megabitsPerSecond: one.speed ?? 0,
    carrierChanges: one.carrierChanges,
  }));
}

const PARTS: { readonly [Part in keyof HostPicture]-?: () => Promise<HostPicture[Part]> } = {
  memory: readMemory,
  disks: readDisks,
  processor: readProcessor,
  interfaces: readInterfaces,
  machine: readMachine,
  system: readSystem,
};

// The part that may wait for a name server, by `hostname -f`, comes last: it holds up what has not ended by then.
await Promise.all(
  Object.entries(PARTS).map(async ([part, read]) => {
    const value = await read().catch(() => undefined);
    writeSync(process.stdout.fd, `${JSON.stringify({ [part]: value })}\n`);
  }),
);
