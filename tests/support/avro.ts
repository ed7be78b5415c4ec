import avro from 'avsc'

/** Values as a producer with a registry client writes them: a 0 byte, the schema's id, and the value by the schema. */
export function framed(id: number, body: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(id, 1)
  return Buffer.concat([head, body])
}

/** Bytes of longs that a number doesn't keep. */
const LONG = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: number | bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(value))
    return bytes
  },
  fromJSON: (value: number) => value,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint' || typeof value === 'number',
  compare: () => 0,
})

/** By avsc, as a producer would: unions as they are, where their branches can be told apart. */
export const inAvro = (schema: object, value: unknown): Buffer =>
  avro.Type.forSchema(
    schema as avro.Schema,
    {
      registry: { long: LONG },
      wrapUnions: 'auto',
    } as unknown as Parameters<typeof avro.Type.forSchema>[1],
  ).toBuffer(value)
