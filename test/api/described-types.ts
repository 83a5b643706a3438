// The rules by which a client links compiled .proto files: each type that a file uses is declared in it or in a file that it
// imports. Read from the bytes themselves, because a lenient library would fill the gaps.
import { type DescribedFile, fieldsOf } from './reflection-client';

/** Field numbers in google/protobuf/descriptor.proto. */
const FILE = { package: 2, messages: 4, enums: 5, services: 6 } as const;
const MESSAGE = { name: 1, fields: 2, messages: 3, enums: 4 } as const;
const FIELD_TYPE_NAME = 6;
const SERVICE_METHODS = 2;
const METHOD = { input: 2, output: 3 } as const;

type Fields = ReadonlyMap<number, Buffer[]>;

const children = (parent: Fields, number: number): Fields[] => (parent.get(number) ?? []).map(fieldsOf);
const texts = (parent: Fields, number: number): string[] =>
  (parent.get(number) ?? []).map((bytes) => bytes.toString('utf8'));

/** What the files need and do not give, as `file: import or type`. */
export function missingFrom(files: ReadonlyMap<string, DescribedFile>): string[] {
  const parsed = new Map([...files].map(([name, { bytes }]) => [name, fieldsOf(bytes)]));
  return [...files.values()].flatMap(({ name, imports }) => {
    const own = parsed.get(name)!;
    const given = imports.flatMap((path) => parsed.get(path) ?? []);
    const known = new Set([own, ...given].flatMap(typesDeclaredIn));
    const absent = imports.filter((path) => !files.has(path));
    return [...absent, ...typesUsedIn(own).filter((type) => !known.has(type))].map((what) => `${name}: ${what}`);
  });
}

/** Absolute names of messages and enumerations, as `.package.Message.Nested`. */
function typesDeclaredIn(file: Fields): string[] {
  const scope = `.${texts(file, FILE.package).join()}`;
  return [
    ...children(file, FILE.messages).flatMap((message) => declared(scope, message)),
    ...children(file, FILE.enums).map((type) => nameIn(scope, type)),
  ];
}

function declared(scope: string, message: Fields): string[] {
  const name = nameIn(scope, message);
  return [
    name,
    ...children(message, MESSAGE.messages).flatMap((inner) => declared(name, inner)),
    ...children(message, MESSAGE.enums).map((type) => nameIn(name, type)),
  ];
}

/** Messages and enumerations both carry their name in field 1. */
const nameIn = (scope: string, type: Fields): string => `${scope}.${texts(type, MESSAGE.name).join()}`;

function typesUsedIn(file: Fields): string[] {
  const methods = children(file, FILE.services).flatMap((service) => children(service, SERVICE_METHODS));
  return [
    ...children(file, FILE.messages).flatMap(used),
    ...methods.flatMap((method) => [...texts(method, METHOD.input), ...texts(method, METHOD.output)]),
  ];
}

function used(message: Fields): string[] {
  const own = children(message, MESSAGE.fields).flatMap((field) => texts(field, FIELD_TYPE_NAME));
  return [...own, ...children(message, MESSAGE.messages).flatMap(used)];
}
