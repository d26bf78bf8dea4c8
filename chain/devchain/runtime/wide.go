package runtime

import "fmt"

// addData declares the fields of a commitment. Their codec is written by hand in
// the chain, and the registry shows it as an enumeration: the length of raw bytes
// is part of the tag, 1 + n for n bytes.
func (s *schema) addData() {
	d := typeDecl{path: []string{"pallet_commitments", "types", "Data"}, enum: true}
	add := func(index int, name string, fields ...fieldDecl) {
		d.variants = append(d.variants, variantDecl{index: uint8(index), name: name, fields: fields})
	}
	bytesOf := func(n int) fieldDecl {
		return fieldDecl{typ: expr{kind: array, args: []expr{{name: "u8"}}, len: uint32(n)}}
	}
	add(0, "None")
	for n := range maxRaw + 1 {
		add(n+1, fmt.Sprintf("Raw%d", n), bytesOf(n))
	}
	for i, hash := range []string{"BlakeTwo256", "Sha256", "Keccak256", "ShaThree256"} {
		add(maxRaw+2+i, hash, bytesOf(32))
	}
	bytes := expr{name: "BoundedVec", args: []expr{{name: "u8"}}}
	add(maxRaw+6, "TimelockEncrypted", fieldDecl{name: "encrypted", typ: bytes}, fieldDecl{name: "reveal_round", typ: expr{name: "u64"}})
	add(maxRaw+7, "ResetBondsFlag")
	add(maxRaw+8, "BigRaw", fieldDecl{typ: bytes})
	s.types["Data"] = d
}

// addEra declares the era of an extrinsic: one byte 0 if immortal, else two bytes
// whose first is the tag of the variant.
func (s *schema) addEra() {
	d := typeDecl{path: []string{"sp_runtime", "generic", "era", "Era"}, enum: true}
	d.variants = append(d.variants, variantDecl{name: "Immortal"})
	for i := 1; i < 256; i++ {
		d.variants = append(d.variants, variantDecl{
			index: uint8(i), name: fmt.Sprintf("Mortal%d", i), fields: []fieldDecl{{typ: expr{name: "u8"}}},
		})
	}
	s.types["Era"] = d
}
