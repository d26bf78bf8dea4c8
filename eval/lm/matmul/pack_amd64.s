#include "textflag.h"

// func packRows16(to, from *float32, rows, stride int)
TEXT ·packRows16(SB), NOSPLIT, $0-32
	MOVQ to+0(FP), DI
	MOVQ from+8(FP), SI
	MOVQ rows+16(FP), CX
	MOVQ stride+24(FP), R8

row:
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	ADDQ R8, SI
	ADDQ $64, DI
	DECQ CX
	JNE  row
	VZEROUPPER
	RET

// func packRows6(to, from *float32, rows, stride, tiles, next int)
//
// Rows are read as a whole, as each is on other lines of the cache: R10 and R11
// move along the tiles, SI and DI along the rows. Of each row 6 numbers are read
// through a mask and 8 written: the next row overwrites the last 2.
TEXT ·packRows6(SB), NOSPLIT, $0-48
	MOVQ to+0(FP), DI
	MOVQ from+8(FP), SI
	MOVQ rows+16(FP), CX
	MOVQ stride+24(FP), R8
	MOVQ next+40(FP), R9
	VMOVUPS ·mask+40(SB), Y15

row:
	MOVQ SI, R10
	MOVQ DI, R11
	MOVQ tiles+32(FP), DX

tile:
	VMASKMOVPS (R10), Y15, Y0
	VMOVUPS Y0, (R11)
	ADDQ $24, R10
	ADDQ R9, R11
	DECQ DX
	JNE  tile
	ADDQ R8, SI
	ADDQ $24, DI
	DECQ CX
	JNE  row
	VZEROUPPER
	RET

// func packRows4(to, from *float32, rows, stride int)
TEXT ·packRows4(SB), NOSPLIT, $0-32
	MOVQ to+0(FP), DI
	MOVQ from+8(FP), SI
	MOVQ rows+16(FP), CX
	MOVQ stride+24(FP), R8

row:
	VMOVUPS (SI), X0
	VMOVUPS X0, (DI)
	ADDQ R8, SI
	ADDQ $16, DI
	DECQ CX
	JNE  row
	VZEROUPPER
	RET

// TURN writes 4 numbers of each of 8 rows as 8 numbers of each of 4: rows 0 to 3
// are at x, rows 4 to 7 at y, R8 bytes apart, R9 being 3·R8.
#define TURN(x, y, o) \
	VMOVUPS (x), X0                 \
	VMOVUPS (x)(R8*1), X1           \
	VMOVUPS (x)(R8*2), X2           \
	VMOVUPS (x)(R9*1), X3           \
	VINSERTF128 $1, (y), Y0, Y0     \
	VINSERTF128 $1, (y)(R8*1), Y1, Y1 \
	VINSERTF128 $1, (y)(R8*2), Y2, Y2 \
	VINSERTF128 $1, (y)(R9*1), Y3, Y3 \
	VUNPCKLPS Y1, Y0, Y4            \
	VUNPCKHPS Y1, Y0, Y5            \
	VUNPCKLPS Y3, Y2, Y6            \
	VUNPCKHPS Y3, Y2, Y7            \
	VUNPCKLPD Y6, Y4, Y8            \
	VUNPCKHPD Y6, Y4, Y9            \
	VUNPCKLPD Y7, Y5, Y10           \
	VUNPCKHPD Y7, Y5, Y11           \
	VMOVUPS Y8, (o+0)(DI)           \
	VMOVUPS Y9, (o+64)(DI)          \
	VMOVUPS Y10, (o+128)(DI)        \
	VMOVUPS Y11, (o+192)(DI)

// func packColumns16(to, from *float32, fours, stride int)
//
// SI, BX, R10 and R11 are at rows 0, 4, 8 and 12 of the transposed matrix.
TEXT ·packColumns16(SB), NOSPLIT, $0-32
	MOVQ to+0(FP), DI
	MOVQ from+8(FP), SI
	MOVQ fours+16(FP), CX
	MOVQ stride+24(FP), R8
	LEAQ (R8)(R8*2), R9
	LEAQ (SI)(R8*4), BX
	LEAQ (BX)(R8*4), R10
	LEAQ (R10)(R8*4), R11

four:
	TURN(SI, BX, 0)
	TURN(R10, R11, 32)
	ADDQ $16, SI
	ADDQ $16, BX
	ADDQ $16, R10
	ADDQ $16, R11
	ADDQ $256, DI
	DECQ CX
	JNE  four
	VZEROUPPER
	RET
