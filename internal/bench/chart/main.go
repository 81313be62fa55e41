// Chart writes what bench has measured into the documents: a chart, and the
// table of docs/performance.md, which stands between two comments there.
//
//	go -C internal/bench run ./chart SVG DOCUMENT <bench.json
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdin); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader) error {
	if len(args) != 2 {
		return errors.New("usage: chart SVG DOCUMENT <bench.json")
	}
	var r report
	if err := json.NewDecoder(in).Decode(&r); err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	rows := r.rows()
	if len(rows) == 0 {
		return errors.New("standard input: no case has a peer")
	}
	if err := drawRows(rows, args[0]); err != nil {
		return err
	}
	return r.writeTable(rows, args[1])
}
