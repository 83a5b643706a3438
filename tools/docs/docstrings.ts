// Public functions have docstrings. Public are the exports of a library's index and of a domain folder. Each exported
// function and class, and each public method, needs a comment that says more than its name.
//
// Exempt are constructors, getters that only return a value, generated code, the lifecycle hooks of Nest, conversions that
// JavaScript calls, and members that a base class or an interface declares, which has the description.
import { relative } from 'node:path';
import ts from 'typescript';

const LIFE_CYCLE = new Set([
  'onModuleInit',
  'onModuleDestroy',
  'onApplicationBootstrap',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
]);
/** Called by JavaScript, like members with a symbol as name. */
const CONVERSIONS = new Set(['toString', 'toJSON', 'valueOf']);
/** Words without information about a particular function. */
const EMPTY_WORDS = new Set(
  'a an and any as at by for from function get gets given in is it its method of on or return returns set sets that the this to with'.split(
    ' ',
  ),
);

interface Public {
  readonly name: string;
  readonly symbol: ts.Symbol;
  readonly declaration: ts.Declaration;
}

/** One line for each public function, class or method of the entry files without a description beyond its name. */
export function undocumented(root: string, entries: readonly string[], options: ts.CompilerOptions): string[] {
  const program = ts.createProgram({ rootNames: [...entries], options: { ...options, incremental: false } });
  const checker = program.getTypeChecker();
  const seen = new Set<ts.Symbol>();
  return entries.flatMap((entry) => {
    const file = program.getSourceFile(entry);
    const module = file === undefined ? undefined : checker.getSymbolAtLocation(file);
    if (module === undefined) return [];
    const exported = checker.getExportsOfModule(module).map((symbol) => target(symbol, checker));
    const fresh = exported.filter((symbol) => !seen.has(symbol));
    for (const symbol of fresh) seen.add(symbol);
    return fresh
      .flatMap((symbol) => publicOf(symbol, checker))
      .filter(({ declaration }) => isOurs(declaration))
      .filter(({ name, symbol }) => !saysMoreThan(name, textOf(symbol, checker)))
      .map(
        ({ name, declaration }) =>
          `${placeOf(root, declaration)}: ${name} needs a comment that says more than its name`,
      );
  });
}

/** True when a comment contains a word that is neither in the name nor an empty word. */
export function saysMoreThan(name: string, comment: string): boolean {
  const inName = new Set(wordsOf(name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, ' ')).map(stem));
  return wordsOf(comment).some((word) => !EMPTY_WORDS.has(word) && !inName.has(stem(word)));
}

/** The symbol itself when it is a function or a class, and its public methods. */
function publicOf(symbol: ts.Symbol, checker: ts.TypeChecker): Public[] {
  const declaration = symbol.valueDeclaration ?? symbol.declarations?.[0];
  if (declaration === undefined) return [];
  const own: Public = { name: symbol.name, symbol, declaration };
  if (ts.isClassDeclaration(declaration)) return [own, ...membersOf(symbol, declaration, checker)];
  if (ts.isInterfaceDeclaration(declaration)) return membersOf(symbol, declaration, checker);
  if (ts.isFunctionDeclaration(declaration)) return [own];
  if (!ts.isVariableDeclaration(declaration)) return [];
  return checker.getTypeOfSymbol(symbol).getCallSignatures().length > 0 ? [own] : [];
}

function membersOf(
  parent: ts.Symbol,
  declaration: ts.ClassDeclaration | ts.InterfaceDeclaration,
  checker: ts.TypeChecker,
): Public[] {
  return declaration.members.flatMap((member): Public[] => {
    if (!isMethod(member) || ts.isPrivateIdentifier(member.name) || ts.isComputedPropertyName(member.name)) return [];
    if (ts.getCombinedModifierFlags(member) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) return [];
    const name = member.name.getText();
    const symbol = checker.getSymbolAtLocation(member.name);
    if (symbol === undefined || LIFE_CYCLE.has(name) || CONVERSIONS.has(name)) return [];
    if (isTrivialGetter(member) || isDeclaredByBase(declaration, name, checker)) return [];
    return [{ name: `${parent.name}.${name}`, symbol, declaration: member }];
  });
}

type Method = ts.MethodDeclaration | ts.MethodSignature | ts.GetAccessorDeclaration;

function isMethod(member: ts.ClassElement | ts.TypeElement): member is Method {
  return ts.isMethodDeclaration(member) || ts.isMethodSignature(member) || ts.isGetAccessorDeclaration(member);
}

function isTrivialGetter(member: Method): boolean {
  if (!ts.isGetAccessorDeclaration(member)) return false;
  const [only, ...more] = member.body?.statements ?? [];
  return more.length === 0 && only !== undefined && ts.isReturnStatement(only);
}

function isDeclaredByBase(
  declaration: ts.ClassDeclaration | ts.InterfaceDeclaration,
  name: string,
  checker: ts.TypeChecker,
): boolean {
  const bases = (declaration.heritageClauses ?? []).flatMap((clause) => [...clause.types]);
  return bases.some((base) => checker.getTypeAtLocation(base).getProperty(name) !== undefined);
}

function target(symbol: ts.Symbol, checker: ts.TypeChecker): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

function textOf(symbol: ts.Symbol, checker: ts.TypeChecker): string {
  return ts.displayPartsToString(symbol.getDocumentationComment(checker));
}

function isOurs(declaration: ts.Declaration): boolean {
  return !/\/(node_modules|generated)\//.test(declaration.getSourceFile().fileName);
}

function placeOf(root: string, declaration: ts.Declaration): string {
  const file = declaration.getSourceFile();
  return `${relative(root, file.fileName)}:${file.getLineAndCharacterOfPosition(declaration.getStart()).line + 1}`;
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** An approximate word stem, without the endings of plurals and verb forms. */
function stem(word: string): string {
  return word.replace(/(?:ies|es|s|ed|ing|e|y)$/, '');
}
