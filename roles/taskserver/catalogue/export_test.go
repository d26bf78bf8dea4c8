package catalogue

// InspectHead is inspectHead, for tests.
var InspectHead = inspectHead
