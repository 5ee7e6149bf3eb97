module turbohttp

go 1.26.0

require (
	github.com/google/flatbuffers v25.12.19+incompatible // indirect
	github.com/stretchr/testify v1.12.1 // indirect
	golang.org/x/sys v0.50.0 // indirect
)
