package sys

import "testing"

// lo is there in every network namespace, and is not changed.
func TestDeviceFeatures(t *testing.T) {
	on, err := DeviceFeatures("lo")
	if err != nil {
		t.Fatal(err)
	}
	if !on["rx-gro"].On && !on["tx-checksum-ip-generic"].On {
		t.Errorf("lo has neither GRO nor checksums on: %v", on)
	}
	if on["rx-gro"].Fixed || !on["loopback"].Fixed {
		t.Errorf("GRO can be changed, and that lo is a loopback cannot: %v", on)
	}
	if _, known := on["hw-tc-offload"]; !known {
		t.Errorf("no hw-tc-offload among %d features", len(on))
	}
	if err := SetDeviceFeature("lo", "no-such-feature", true); err == nil {
		t.Error("a feature that is unknown was set")
	}
	if _, err := DeviceFeatures("nonesuch"); err == nil {
		t.Error("a device that is not there has features")
	}
}

func TestDeviceDriver(t *testing.T) {
	if _, _, err := DeviceDriver("nonesuch"); err == nil {
		t.Error("a device that is not there has a driver")
	}
	if _, err := DeviceChannels("nonesuch"); err == nil {
		t.Error("a device that is not there has channels")
	}
}
