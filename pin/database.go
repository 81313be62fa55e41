package pin

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Database maps custom pinning numbers to directories below the root of the
// BPF file system: iproute2's bpf_pinning. A nil *Database has none.
type Database struct {
	// Warnings name, with file and line, the entries that were ignored because
	// the numbers 0, 1 and 2 have a fixed meaning.
	Warnings []string

	file     string
	subpaths map[Pinning]string
}

// ReadDatabase reads the first of the files that exists; none is an empty
// database. iproute2 has /etc/iproute2/bpf_pinning, and in newer versions
// /usr/share/iproute2/bpf_pinning after it. A line that is not an entry is an
// error that names file and line.
func ReadDatabase(files ...string) (*Database, error) {
	for _, name := range files {
		r, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return ParseDatabase(name, r)
	}
	return &Database{file: strings.Join(files, " and ")}, nil
}

// ParseDatabase reads a database; name stands for it in errors. A line is
// empty, a # comment, or a number in any base, a relative path, and perhaps a
// # comment. Of two entries for a number the later one holds.
func ParseDatabase(name string, r io.Reader) (*Database, error) {
	d := &Database{file: name, subpaths: make(map[Pinning]string)}
	lines := bufio.NewScanner(r)
	n := 0
	for lines.Scan() {
		n++
		if err := d.parseLine(n, lines.Text()); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, n+1, err)
	}
	return d, nil
}

func (d *Database) parseLine(n int, line string) error {
	f := strings.Fields(line)
	if len(f) == 0 || f[0][0] == '#' {
		return nil
	}
	number, err := strconv.ParseUint(f[0], 0, 32)
	if err != nil || len(f) < 2 || f[1][0] == '#' || (len(f) > 2 && f[2][0] != '#') {
		return fmt.Errorf("%q is not an entry, expected NUMBER SUBPATH", line)
	}
	if p := Pinning(number); p <= GlobalNS {
		d.Warnings = append(d.Warnings, fmt.Sprintf("%s:%d: number %d is reserved, entry ignored", d.file, n, p))
		return nil
	}
	sub := filepath.Clean(f[1])
	if !filepath.IsLocal(sub) || (sub != "." && strings.Contains(sub, ".")) {
		return fmt.Errorf("subpath %q is not below the BPF file system's root, or has a dot in a name", f[1])
	}
	d.subpaths[Pinning(number)] = sub
	return nil
}

// Subpath returns the directory for a number, seen from the root of the BPF
// file system.
func (d *Database) Subpath(p Pinning) (string, error) {
	if d == nil {
		return "", fmt.Errorf("pinning %d is not 0, 1 or 2, and there is no database of others", p)
	}
	sub, ok := d.subpaths[p]
	if !ok {
		return "", fmt.Errorf("pinning %d has no entry in %s: add a line \"%d SUBPATH\"", p, d.file, p)
	}
	return sub, nil
}
