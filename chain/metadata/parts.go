package metadata

import (
	"fmt"
	"slices"
)

// oldest is the lowest version of extrinsics that the runtime takes; 4 where none
// is told.
func (x *Extrinsic) oldest() uint8 {
	if len(x.Versions) == 0 {
		return 4
	}
	return slices.Min(x.Versions)
}

// all is the set of all extensions, as version 0, which is how a runtime numbers
// its only set.
func (x *Extrinsic) all() ExtensionSet {
	var s ExtensionSet
	for i := range x.Extensions {
		s.Indices = append(s.Indices, uint32(i))
	}
	return s
}

// Signed are the extensions of a version 4 extrinsic, in order. Such an extrinsic
// does not say which set it uses: it is the set of version 0, or the lowest.
func (x *Extrinsic) Signed() []Extension {
	if len(x.ByVersion) == 0 {
		return x.Extensions
	}
	set := slices.MinFunc(x.ByVersion, func(a, b ExtensionSet) int { return int(a.Version) - int(b.Version) })
	var list []Extension
	for _, i := range set.Indices {
		list = append(list, x.Extensions[i])
	}
	return list
}

// complete finds in the registry what V14 leaves there: the parts of an extrinsic
// are parameters of its type, the outer enumerations are known by their paths. It
// checks references that are not to types.
func (m *Metadata) complete() error {
	for _, s := range m.Extrinsic.ByVersion {
		for _, i := range s.Indices {
			if int(i) >= len(m.Extrinsic.Extensions) {
				return fmt.Errorf("extension %d is not among the %d of the runtime", i, len(m.Extrinsic.Extensions))
			}
		}
	}
	if m.Version != 14 {
		return nil
	}
	x := &m.Extrinsic
	found := 0
	for _, p := range m.Types[x.Type].Params {
		var part *TypeID
		switch p.Name {
		case "Address":
			part = &x.Address
		case "Call":
			part = &x.Call
		case "Signature":
			part = &x.Signature
		case "Extra", "Extension": // the second is the name in a wrapper, as of runtimes with Ethereum
			part = &x.Extra
		}
		if part != nil && p.Bound {
			*part = p.Type
			found++
		}
	}
	if found != 4 {
		return fmt.Errorf("type %d of an extrinsic does not tell its four parts", x.Type)
	}
	m.Outer.Call = x.Call
	for id, t := range m.Types {
		switch {
		case t.Kind != Variants || len(t.Path) == 0:
		case t.Path[len(t.Path)-1] == "RuntimeEvent":
			m.Outer.Event = TypeID(id)
		case t.Path[len(t.Path)-1] == "RuntimeError":
			m.Outer.Error = TypeID(id)
		}
	}
	return nil
}
