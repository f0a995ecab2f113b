package rpmdb

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"strings"
)

// The parts of SQLite's file format that a rowid table is made of.
const (
	sqliteMagic = "SQLite format 3\x00"
	fileHeader  = 100
	leafTable   = 13
	branchTable = 5
	maxDepth    = 20
)

var errTorn = errors.New("the file is torn or being written")

// sqliteFile is an opened database.
type sqliteFile struct {
	r      io.ReaderAt
	page   int64 // size of one
	usable int   // of a page
	pages  int64
	reads  int64
}

func openSQLite(r io.ReaderAt, size int64) (*sqliteFile, error) {
	var h [fileHeader]byte
	if _, err := r.ReadAt(h[:], 0); err != nil {
		return nil, errTorn
	}
	d := &sqliteFile{r: r, page: int64(binary.BigEndian.Uint16(h[16:]))}
	if d.page == 1 {
		d.page = 64 << 10
	}
	if d.page < 512 || d.page&(d.page-1) != 0 {
		return nil, errTorn
	}
	d.usable = int(d.page) - int(h[20])
	if encoding := binary.BigEndian.Uint32(h[56:]); d.usable < 480 || encoding > 1 {
		return nil, errors.New("the database is of a kind that rpm does not write")
	}
	d.pages = size / d.page
	return d, nil
}

// read reads a page, numbered from one. A tree shows each of its pages once, so that
// many more reads than pages are a circle.
func (d *sqliteFile) read(number uint32) ([]byte, error) {
	if d.reads++; number == 0 || int64(number) > d.pages || d.reads > 4*d.pages+1024 {
		return nil, errTorn
	}
	b := make([]byte, d.page)
	if _, err := d.r.ReadAt(b, int64(number-1)*d.page); err != nil {
		return nil, errTorn
	}
	return b, nil
}

// node is one page of a table.
type node struct {
	page  []byte
	leaf  bool
	cells []byte // two bytes each
	right uint32 // last child of a branch
}

func (d *sqliteFile) node(number uint32) (node, error) {
	page, err := d.read(number)
	if err != nil {
		return node{}, err
	}
	h := page
	if number == 1 {
		h = page[fileHeader:]
	}
	n := node{page: page, leaf: h[0] == leafTable}
	size := 8
	if !n.leaf {
		if h[0] != branchTable {
			return node{}, errTorn
		}
		n.right, size = binary.BigEndian.Uint32(h[8:]), 12
	}
	count := int(binary.BigEndian.Uint16(h[3:]))
	if len(h) < size+2*count {
		return node{}, errTorn
	}
	n.cells = h[size : size+2*count]
	return n, nil
}

func (n *node) count() int { return len(n.cells) / 2 }

// cell returns the page from a cell's beginning on.
func (n *node) cell(i int) ([]byte, error) {
	at := int(binary.BigEndian.Uint16(n.cells[2*i:]))
	if at+4 > len(n.page) {
		return nil, errTorn
	}
	return n.page[at:], nil
}

// walk calls found for every row of a table.
func (d *sqliteFile) walk(root uint32, found func(row int64, record []byte) error) error {
	return d.walkBelow(root, 0, found)
}

func (d *sqliteFile) walkBelow(number uint32, depth int, found func(int64, []byte) error) error {
	n, err := d.node(number)
	if err != nil {
		return err
	}
	if depth > maxDepth {
		return errTorn
	}
	for i := range n.count() {
		cell, err := n.cell(i)
		if err != nil {
			return err
		}
		if !n.leaf {
			err = d.walkBelow(binary.BigEndian.Uint32(cell), depth+1, found)
		} else {
			var row int64
			var record []byte
			if row, record, err = d.record(cell, maxHeader); err == nil {
				err = found(row, record)
			}
		}
		if err != nil {
			return err
		}
	}
	if n.leaf {
		return nil
	}
	return d.walkBelow(n.right, depth+1, found)
}

// row returns at most limit bytes of the record with a row id.
func (d *sqliteFile) row(root uint32, id int64, limit int) ([]byte, error) {
	for range maxDepth {
		n, err := d.node(root)
		if err != nil {
			return nil, err
		}
		next := n.right
		for i := range n.count() {
			cell, err := n.cell(i)
			if err != nil {
				return nil, err
			}
			if n.leaf {
				if _, length, ok := varint(cell); !ok {
					return nil, errTorn
				} else if key, _, ok := varint(cell[length:]); ok && key == id {
					_, record, err := d.record(cell, limit)
					return record, err
				}
			} else if key, _, ok := varint(cell[4:]); ok && id <= key {
				next = binary.BigEndian.Uint32(cell)
				break
			}
		}
		if n.leaf {
			break
		}
		root = next
	}
	return nil, errTorn
}

// record returns what a leaf's cell holds, at most limit bytes of it.
func (d *sqliteFile) record(cell []byte, limit int) (row int64, record []byte, err error) {
	size, n, ok := varint(cell)
	if !ok || size < 0 || size > math.MaxInt32 {
		return 0, nil, errTorn
	}
	row, m, ok := varint(cell[n:])
	if !ok {
		return 0, nil, errTorn
	}
	cell = cell[n+m:]
	local := d.local(int(size))
	if local > len(cell) {
		return 0, nil, errTorn
	}
	if local == int(size) {
		return row, cell[:local], nil
	}
	if local+4 > len(cell) {
		return 0, nil, errTorn
	}
	next := binary.BigEndian.Uint32(cell[local:])
	record = append(record, cell[:local]...)
	for want := min(int(size), limit); len(record) < want; {
		page, err := d.read(next)
		if err != nil {
			return 0, nil, err
		}
		next = binary.BigEndian.Uint32(page)
		record = append(record, page[4:4+min(d.usable-4, want-len(record))]...)
	}
	return row, record, nil
}

// local is how much of a record of some size stays in its leaf.
func (d *sqliteFile) local(size int) int {
	most := d.usable - 35
	if size <= most {
		return size
	}
	least := (d.usable-12)*32/255 - 23
	if keep := least + (size-least)%(d.usable-4); keep <= most {
		return keep
	}
	return least
}

// rootOf returns the first page of a table.
func (d *sqliteFile) rootOf(table string) (root uint32, err error) {
	err = d.walk(1, func(_ int64, record []byte) error {
		columns, err := columnsOf(record, 4)
		if err != nil {
			return err
		}
		if string(columns[0].data) == "table" && strings.EqualFold(string(columns[1].data), table) {
			if number, ok := columns[3].integer(); ok && number > 0 && number <= math.MaxUint32 {
				root = uint32(number)
			}
		}
		return nil
	})
	if err == nil && root == 0 {
		err = errors.New("a table of rpm's is missing")
	}
	return root, err
}

// column is one value of a record.
type column struct {
	kind int64
	data []byte
}

// columnsOf returns the first columns of a record. The last one's data may be cut.
func columnsOf(record []byte, count int) ([]column, error) {
	size, n, ok := varint(record)
	if !ok || size < int64(n) || size > int64(len(record)) {
		return nil, errTorn
	}
	kinds, data := record[n:size], record[size:]
	columns := make([]column, 0, count)
	for range count {
		kind, n, ok := varint(kinds)
		if !ok || kind < 0 {
			return nil, errTorn
		}
		kinds = kinds[n:]
		length := min(sizeOf(kind), int64(len(data)))
		columns = append(columns, column{kind, data[:length]})
		data = data[length:]
	}
	return columns, nil
}

// sizeOf is how many bytes a value of a serial type takes.
func sizeOf(kind int64) int64 {
	switch {
	case kind >= 12:
		return (kind - 12) / 2
	case kind <= 4:
		return kind
	case kind == 5:
		return 6
	case kind <= 7:
		return 8
	}
	return 0
}

func (c column) integer() (int64, bool) {
	switch {
	case c.kind == 8 || c.kind == 9:
		return c.kind - 8, true
	case c.kind < 1 || c.kind > 6 || int64(len(c.data)) != sizeOf(c.kind):
		return 0, false
	}
	number := int64(int8(c.data[0]))
	for _, b := range c.data[1:] {
		number = number<<8 | int64(b)
	}
	return number, true
}

// varint reads SQLite's integers: seven bits a byte, the highest first, and eight in
// the ninth.
func varint(b []byte) (value int64, length int, ok bool) {
	for i := range min(len(b), 9) {
		if i == 8 {
			return value<<8 | int64(b[i]), 9, true
		}
		value = value<<7 | int64(b[i]&0x7f)
		if b[i] < 0x80 {
			return value, i + 1, true
		}
	}
	return 0, 0, false
}
