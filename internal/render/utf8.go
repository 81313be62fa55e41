package render

import (
	"reflect"
	"unicode/utf8"
)

// utf8Only is a copy of v, as deep as encoding/json looks, in which every string is
// UTF-8: others are as [Line] shows them.
func utf8Only(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.String:
		if utf8.ValidString(v.String()) {
			return v
		}
		return reflect.ValueOf(Line(v.String())).Convert(v.Type())
	case reflect.Interface:
		return inside(v, func(to reflect.Value) { to.Set(utf8Only(v.Elem())) })
	case reflect.Pointer:
		return inside(v, func(to reflect.Value) {
			to.Set(reflect.New(v.Type().Elem()))
			to.Elem().Set(utf8Only(v.Elem()))
		})
	case reflect.Slice:
		return inside(v, func(to reflect.Value) {
			to.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			elements(to, v)
		})
	case reflect.Array:
		to := reflect.New(v.Type()).Elem()
		elements(to, v)
		return to
	case reflect.Map:
		return inside(v, func(to reflect.Value) {
			to.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
			for each := v.MapRange(); each.Next(); {
				to.SetMapIndex(utf8Only(each.Key()), utf8Only(each.Value()))
			}
		})
	case reflect.Struct:
		to := reflect.New(v.Type()).Elem()
		to.Set(v)
		fields(to)
		return to
	default:
		return v
	}
}

// inside is a value of v's type that fill has filled, nil where v is.
func inside(v reflect.Value, fill func(to reflect.Value)) reflect.Value {
	to := reflect.New(v.Type()).Elem()
	if !v.IsNil() {
		fill(to)
	}
	return to
}

func elements(to, from reflect.Value) {
	for i := range from.Len() {
		to.Index(i).Set(utf8Only(from.Index(i)))
	}
}

// fields changes those of a copied struct, and of structs in it that are embedded.
func fields(to reflect.Value) {
	for i := range to.NumField() {
		switch f := to.Field(i); {
		case f.CanSet():
			f.Set(utf8Only(f))
		case to.Type().Field(i).Anonymous && f.Kind() == reflect.Struct:
			fields(f)
		}
	}
}
