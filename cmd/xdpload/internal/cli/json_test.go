//go:build !guest

package cli

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// jsonGroups are the packages whose structs are printed, and the commands that print them.
var jsonGroups = map[string]string{
	"bytecodecmd": "bytecode", "checkcmd": "check", "elfcmd": "elf", "linkcmd": "link", "mapcmd": "map", "netcmd": "net, tcx, netkit",
	"offloadcmd": "offload, features", "pincmd": "pin", "progcmd": "prog, verify", "tccmd": "tc", "tcxcmd": "tcx, netkit",
	"cli": "errors, version", "env": "warnings",
}

const (
	jsonTable = docs + "json.md"
	jsonHead  = "| key | is | of | meaning |\n|---|---|---|---|\n"
)

// TestJSONKeys: docs/json.md has every key of every struct that is printed, with its type
// and the commands; what it means is written there by hand.
func TestJSONKeys(t *testing.T) {
	have, err := os.ReadFile(jsonTable)
	if err != nil {
		t.Fatal(err)
	}
	before, rows, ok := strings.Cut(string(have), jsonHead)
	if !ok {
		t.Fatalf("%s has no table", jsonTable)
	}
	meanings := make(map[string]string)
	for row := range strings.Lines(rows) {
		cells := strings.Split(strings.TrimSpace(row), " | ")
		if len(cells) != 4 {
			t.Fatalf("no row of four cells: %s", row)
		}
		meanings[strings.Trim(cells[0], "| `")] = strings.TrimSuffix(cells[3], " |")
	}
	var want strings.Builder
	want.WriteString(before + jsonHead)
	keys := scanKeys(t)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		k := keys[key]
		if meanings[key] == "" {
			t.Errorf("docs/json.md does not say what %q of %s means", key, words(k.commands))
		}
		if len(k.types) > 1 {
			delete(k.types, "anything")
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", key, strings.Join(slices.Sorted(maps.Keys(k.types)), " or "), words(k.commands), meanings[key])
	}
	if *update {
		if err := os.WriteFile(jsonTable, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(have, []byte(want.String())) {
		t.Error("docs/json.md is stale: make generate, and say there what new keys mean")
	}
}

// words are sorted, each once.
func words(lists map[string]bool) string {
	all := make(map[string]bool)
	for list := range lists {
		for word := range strings.SplitSeq(list, ", ") {
			all[word] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(all)), ", ")
}

// jsonKey is what is known of a key.
type jsonKey struct{ types, commands map[string]bool }

// keyScan finds keys in the source: no list of the structs has to be kept.
type keyScan struct {
	t        *testing.T
	packages map[string]map[string]ast.Expr // types by package and name, and under "name()" those that are text
	keys     map[string]*jsonKey
	seen     map[string]bool
}

func scanKeys(t *testing.T) map[string]*jsonKey {
	s := &keyScan{t: t, packages: make(map[string]map[string]ast.Expr), keys: make(map[string]*jsonKey), seen: make(map[string]bool)}
	for name, commands := range jsonGroups {
		s.parse("../"+name, func(n ast.Node) {
			if st, ok := n.(*ast.StructType); ok {
				s.fields(st, name, commands)
			}
		})
	}
	return s.keys
}

// parse reads a package, once, and shows what is in it.
func (s *keyScan) parse(dir string, visit func(ast.Node)) {
	types := make(map[string]ast.Expr)
	s.packages[path.Base(dir)] = types
	files, err := filepath.Glob(dir + "/*.go")
	if err != nil || len(files) == 0 {
		s.t.Fatalf("%s: %d files, %v", dir, len(files), err)
	}
	var all []*ast.File
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, file)
		for n := range ast.Preorder(file) {
			switch n := n.(type) {
			case *ast.TypeSpec:
				types[n.Name.Name] = n.Type
			case *ast.FuncDecl:
				if n.Name.Name == "MarshalText" {
					types[receiver(n)+"()"] = ast.NewIdent("string")
				}
			}
		}
	}
	for _, file := range all {
		for n := range ast.Preorder(file) {
			visit(n)
		}
	}
}

func receiver(f *ast.FuncDecl) string {
	of := f.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	name, _ := of.(*ast.Ident)
	return name.Name
}

// fields notes the keys of a struct in a package.
func (s *keyScan) fields(st *ast.StructType, in, commands string) {
	for _, f := range st.Fields.List {
		key := ""
		if f.Tag != nil {
			tag, err := strconv.Unquote(f.Tag.Value)
			if err != nil {
				s.t.Fatal(err)
			}
			key, _, _ = strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		}
		if key == "" && len(f.Names) > 0 || key == "-" {
			continue
		}
		if key == "" {
			s.embedded(f.Type, in, commands)
			continue
		}
		is := s.is(f.Type, in, commands)
		if s.keys[key] == nil {
			s.keys[key] = &jsonKey{make(map[string]bool), make(map[string]bool)}
		}
		s.keys[key].types[is], s.keys[key].commands[commands] = true, true
	}
}

// embedded notes the keys of a struct that is embedded, unless it is one that has none.
func (s *keyScan) embedded(of ast.Expr, in, commands string) {
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if x, ok := of.(*ast.SelectorExpr); ok && elsewhere[x.X.(*ast.Ident).Name] == "" {
		return
	}
	if name, ok := of.(*ast.Ident); ok && s.packages[in][name.Name] == nil { // error
		return
	}
	s.is(of, in, commands)
}

// is says what a type is in JSON, and notes the keys of structs of other packages.
func (s *keyScan) is(of ast.Expr, in, commands string) string {
	switch of := of.(type) {
	case *ast.StarExpr:
		return s.is(of.X, in, commands)
	case *ast.ArrayType:
		s.is(of.Elt, in, commands)
		return "array"
	case *ast.StructType, *ast.MapType:
		return "object"
	case *ast.SelectorExpr:
		name, _ := of.X.(*ast.Ident)
		return s.foreign(name.Name, of.Sel.Name, commands)
	case *ast.Ident:
		switch {
		case of.Name == "string":
			return "text"
		case of.Name == "bool":
			return "true or false"
		case of.Name == "any":
			return "anything"
		case s.packages[in][of.Name+"()"] != nil:
			return "text"
		case s.packages[in][of.Name] != nil:
			return s.named(of.Name, in, commands)
		case strings.HasPrefix(of.Name, "int"), strings.HasPrefix(of.Name, "uint"), of.Name == "float64":
			return "number"
		}
	}
	s.t.Errorf("%s: a type that this test does not know: %T %v", in, of, of)
	return ""
}

// elsewhere is where packages are whose types are printed.
var elsewhere = map[string]string{
	"subject": "../subject", "env": "../env", "netlink": "../../../../netlink", "offload": "../../../../offload", "pin": "../../../../pin",
	"diff": "../../../../elf/diff", "classic": "../../../../internal/classic",
}

func (s *keyScan) foreign(name, typ, commands string) string {
	if name == "time" || name == "json" {
		return map[string]string{"Duration": "number", "RawMessage": "anything"}[typ]
	}
	if s.packages[name] == nil {
		dir, ok := elsewhere[name]
		if !ok {
			s.t.Errorf("a package that this test does not know: %s", name)
			return ""
		}
		s.parse(dir, func(ast.Node) {})
	}
	return s.is(ast.NewIdent(typ), name, commands)
}

// named follows a type's name, and notes the keys of a struct.
func (s *keyScan) named(name, in, commands string) string {
	at := strings.Join([]string{in, name, commands}, " ")
	of := s.packages[in][name]
	if st, ok := of.(*ast.StructType); ok {
		if !s.seen[at] {
			s.seen[at] = true
			s.fields(st, in, commands)
		}
		return "object"
	}
	return s.is(of, in, commands)
}
