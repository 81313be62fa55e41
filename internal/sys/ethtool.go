package sys

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Numbers of include/uapi/linux/ethtool.h.
const (
	ethtoolGStrings  = 0x1b
	ethtoolGSSetInfo = 0x37
	ethtoolGFeatures = 0x3a
	ethtoolSFeatures = 0x3b
	ethtoolGChannels = 0x3c

	ethSSFeatures = 4
	ethGStringLen = 32
)

// ifreq is struct ifreq with a pointer as its data.
type ifreq struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [24 - unsafe.Sizeof(uintptr(0))]byte
}

// ethtool makes one ioctl about a device of the calling thread's network
// namespace; data starts with the command.
func ethtool(device string, data []uint32) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	var r ifreq
	copy(r.name[:unix.IFNAMSIZ-1], device)
	r.data = unsafe.Pointer(unsafe.SliceData(data))
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&r)))
	runtime.KeepAlive(data)
	if errno != 0 {
		return errno
	}
	return nil
}

// DeviceDriver says which driver a device has, and the firmware's version.
// Both are empty where the device does not say.
func DeviceDriver(device string) (driver, firmware string, err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", "", os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	info, err := unix.IoctlGetEthtoolDrvinfo(fd, device)
	if err != nil {
		return "", "", fmt.Errorf("driver of %s: %w", device, err)
	}
	return cString(info.Driver[:]), cString(info.Fw_version[:]), nil
}

// Channels is how many queues a device has, and could have.
type Channels struct {
	MaxRx, MaxTx, MaxCombined uint32
	Rx, Tx, Combined          uint32
}

// DeviceChannels asks for a device's queues. The errno is EOPNOTSUPP where the
// driver has no such question.
func DeviceChannels(device string) (*Channels, error) {
	d := make([]uint32, 9) // struct ethtool_channels
	d[0] = ethtoolGChannels
	if err := ethtool(device, d); err != nil {
		return nil, fmt.Errorf("channels of %s: %w", device, err)
	}
	return &Channels{MaxRx: d[1], MaxTx: d[2], MaxCombined: d[4], Rx: d[5], Tx: d[6], Combined: d[8]}, nil
}

// A DeviceFeature is a feature of a device as it is. A fixed one cannot be changed.
type DeviceFeature struct{ On, Fixed bool }

// DeviceFeatures are those of a device, by the names of ethtool(8) -k, such as "rx-lro" and
// "hw-tc-offload".
func DeviceFeatures(device string) (map[string]DeviceFeature, error) {
	names, err := featureNames(device)
	if err != nil {
		return nil, err
	}
	const words = 4 // struct ethtool_get_features_block: available, requested, active, never_changed
	d := make([]uint32, 2+words*blocks(names))
	d[0], d[1] = ethtoolGFeatures, uint32(blocks(names))
	if err := ethtool(device, d); err != nil {
		return nil, fmt.Errorf("features of %s: %w", device, err)
	}
	all := make(map[string]DeviceFeature, len(names))
	for i, name := range names {
		block := d[2+words*(i/32):][:words]
		has := func(word int) bool { return block[word]&(1<<(i%32)) != 0 }
		all[name] = DeviceFeature{On: has(2), Fixed: !has(0) || has(3)}
	}
	return all, nil
}

// SetDeviceFeature turns a feature of a device on or off. A driver that keeps
// it as it is, is an error.
func SetDeviceFeature(device, feature string, on bool) error {
	names, err := featureNames(device)
	if err != nil {
		return err
	}
	const words = 2 // struct ethtool_set_features_block: valid, requested
	d := make([]uint32, 2+words*blocks(names))
	d[0], d[1] = ethtoolSFeatures, uint32(blocks(names))
	for i, name := range names {
		if name != feature {
			continue
		}
		bit := uint32(1) << (i % 32)
		d[2+words*(i/32)] |= bit
		if on {
			d[2+words*(i/32)+1] |= bit
		}
		if err := ethtool(device, d); err != nil {
			return err
		}
		if now, err := DeviceFeatures(device); err != nil || now[feature].On != on {
			return fmt.Errorf("%s keeps feature %s as it is: %w", device, feature, unix.EBUSY)
		}
		return nil
	}
	return fmt.Errorf("%s has no feature %s", device, feature)
}

func blocks(names []string) int { return (len(names) + 31) / 32 }

// featureNames are the names of the feature bits, which differ between kernels.
func featureNames(device string) ([]string, error) {
	info := []uint32{ethtoolGSSetInfo, 0, 1 << ethSSFeatures, 0, 0} // struct ethtool_sset_info, u64 mask
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		info[2], info[3] = 0, 1<<ethSSFeatures
	}
	if err := ethtool(device, info); err != nil {
		return nil, fmt.Errorf("features of %s: %w", device, err)
	}
	count := int(info[4])
	d := make([]uint32, 3+count*ethGStringLen/4)
	d[0], d[1], d[2] = ethtoolGStrings, ethSSFeatures, uint32(count)
	if err := ethtool(device, d); err != nil {
		return nil, fmt.Errorf("features of %s: %w", device, err)
	}
	var text bytes.Buffer
	for _, word := range d[3:] {
		text.Write(binary.NativeEndian.AppendUint32(nil, word))
	}
	names := make([]string, count)
	for i := range names {
		names[i] = cString(text.Next(ethGStringLen))
	}
	return names, nil
}
