module github.com/xdpload/xdpload/internal/vm

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/xdpload/xdpload v0.0.0
	golang.org/x/sys v0.49.0
)

replace github.com/xdpload/xdpload => ../..
