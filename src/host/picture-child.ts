/**
 * The child that looks at this host for an incident. systeminformation starts `lscpu`, `lsblk`, `ip` and others, and
 * reads files that may hang; here that delays nothing. Prints one line of JSON: what answered in time.
 */
import { setTimeout as delay } from 'node:timers/promises';

import { blockDevices, cpu, mem, networkInterfaces, osInfo, system } from 'systeminformation';

import type { HostPicture } from './picture.ts';

/** Less than the deadline of the parent, so that what answered is told. */
const PIECE_SECONDS = 4;

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

/** Absent for what failed or did not answer in time. */
async function piece<T>(read: () => Promise<T>): Promise<T | undefined> {
  const late = delay(PIECE_SECONDS * 1000, undefined, { ref: false });
  return await Promise.race([read().catch(() => undefined), late]);
}

const [os, machine, processor, memory, disks, interfaces] = await Promise.all([
  piece(readSystem),
  piece(readMachine),
  piece(readProcessor),
  piece(readMemory),
  piece(readDisks),
  piece(readInterfaces),
]);
/** JSON leaves out what is undefined. */
const picture: { [Part in keyof HostPicture]: HostPicture[Part] | undefined } = {
  system: os,
  machine,
  processor,
  memory,
  disks,
  interfaces,
};
process.stdout.write(`${JSON.stringify(picture)}\n`, () => {
  // A program that hangs would keep this one.
  process.exit(0);
});
