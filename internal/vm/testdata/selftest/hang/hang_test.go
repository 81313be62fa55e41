// Package hang never ends by itself.
package hang

import "testing"

func TestHang(t *testing.T) {
	t.Log("said before the hang")
	<-make(chan struct{})
}
