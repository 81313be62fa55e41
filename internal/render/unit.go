package render

import (
	"fmt"
	"strconv"
	"time"
)

// Bytes writes a size for people, in units of 1024: "512 B", "4.0 KiB".
func Bytes(n uint64) string {
	if n < 1024 {
		return strconv.FormatUint(n, 10) + " B"
	}
	size, unit := float64(n)/1024, 0
	for ; size >= 1023.95 && unit < 5; unit++ {
		size /= 1024
	}
	return fmt.Sprintf("%.1f %ciB", size, "KMGTPE"[unit])
}

// Duration writes a duration for people, to three digits or whole seconds: "1.23ms".
func Duration(d time.Duration) string {
	unit := time.Duration(1)
	for d.Abs() >= 1000*unit && unit < time.Second {
		unit *= 10
	}
	return d.Round(unit).String()
}
