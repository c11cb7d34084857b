package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
)

var errTooLarge = errors.New("the answer is too large")

// decode reads JSON into what into points at. A slice is read element by element,
// so that no more than one is held as text.
func decode(r io.Reader, into any) error {
	list := reflect.ValueOf(into).Elem()
	if list.Kind() != reflect.Slice {
		return json.NewDecoder(&bounded{r: r, left: maxObject, all: maxObject}).Decode(into)
	}
	b := &bounded{r: r, left: maxObject, all: maxList}
	d := json.NewDecoder(b)
	if start, err := d.Token(); err != nil || start != json.Delim('[') {
		return errors.Join(err, errors.New("the answer is no list"))
	}
	list.SetZero()
	for d.More() {
		if list.Len() == maxElements {
			return errTooLarge
		}
		element := reflect.New(list.Type().Elem())
		if err := d.Decode(element.Interface()); err != nil {
			return fmt.Errorf("reading element %d: %w", list.Len(), err)
		}
		list.Set(reflect.Append(list, element.Elem()))
		b.left = maxObject
	}
	_, err := d.Token()
	return err
}

// bounded reads at most left bytes before it is given more, and all in all.
type bounded struct {
	r         io.Reader
	left, all int64
}

func (b *bounded) Read(p []byte) (int, error) {
	most := min(b.left, b.all)
	if most <= 0 {
		return 0, errTooLarge
	}
	n, err := b.r.Read(p[:min(int64(len(p)), most)])
	b.left -= int64(n)
	b.all -= int64(n)
	return n, err
}
