package offload

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// VirtioFeatures is a set of what a virtio device and its driver have agreed on.
type VirtioFeatures uint64

// The features that matter to XDP (include/uapi/linux/virtio_net.h, virtio_config.h).
const (
	VirtioGuestOffloads VirtioFeatures = 1<<1 | 1<<7 | 1<<8 | 1<<9 | 1<<10 | 1<<54 | 1<<55 // check sums, and segments of several packets
	VirtioCtrlOffloads  VirtioFeatures = 1 << 2                                            // which the driver can turn off
	VirtioMergeable     VirtioFeatures = 1 << 15
	VirtioAnyLayout     VirtioFeatures = 1<<27 | 1<<32 // or version 1, which implies it
)

// Virtio returns the features of a virtio device. They are in the sysfs of the device's
// own network namespace only; where that is another, or the device is no virtio device, ok is
// false.
func (d *Device) Virtio() (f VirtioFeatures, ok bool) {
	dir := filepath.Join("/sys/class/net", d.Link.Name)
	address, err := os.ReadFile(filepath.Join(dir, "address"))
	index, indexErr := os.ReadFile(filepath.Join(dir, "ifindex"))
	if err != nil || indexErr != nil || strings.TrimSpace(string(address)) != d.Link.HardwareAddr.String() ||
		strings.TrimSpace(string(index)) != strconv.Itoa(d.Link.Index) {
		return 0, false
	}
	bits, err := os.ReadFile(filepath.Join(dir, "device/features"))
	return virtioFeatures(string(bits)), err == nil && d.Driver == "virtio_net"
}

// virtioFeatures reads what the kernel writes: a digit for each bit, the lowest first.
func virtioFeatures(digits string) (f VirtioFeatures) {
	for i, c := range strings.TrimSpace(digits) {
		if c == '1' && i < 64 {
			f |= 1 << i
		}
	}
	return f
}
