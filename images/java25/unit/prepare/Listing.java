import com.sun.source.tree.AnnotationTree;
import com.sun.source.tree.AssignmentTree;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.ExpressionTree;
import com.sun.source.tree.IdentifierTree;
import com.sun.source.tree.LiteralTree;
import com.sun.source.tree.MemberSelectTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.ModifiersTree;
import com.sun.source.tree.NewArrayTree;
import com.sun.source.tree.ParameterizedTypeTree;
import com.sun.source.tree.Tree;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import javax.lang.model.element.Modifier;

/**
 * The tests that a suite's sources have, read without knowing anything else: an annotation counts by its simple name.
 * Methods are a class's own and those that it inherits from classes and interfaces of the suite.
 */
final class Listing {
    private static final Set<String> TESTS =
            Set.of("Test", "ParameterizedTest", "RepeatedTest", "TestFactory", "TestTemplate");
    private static final Set<String> LAST = Set.of("AfterAll", "AfterClass");
    private static final String POINTS = "points=";

    private final Map<String, Type> types = new LinkedHashMap<>();
    private final Set<String> tests = new HashSet<>(TESTS);

    /**
     * A test class and its methods, nested classes' included.
     *
     * @param name binary name
     * @param file where it is
     * @param cases its tests
     * @param last whether it looks at something after the last test
     */
    record TestClass(String name, String file, List<Object> cases, boolean last) {
        Map<String, Object> described() {
            Map<String, Object> map = new TreeMap<>();
            map.put("name", name);
            map.put("file", file);
            map.put("cases", cases);
            map.put("last", last);
            return map;
        }
    }

    private record Type(String name, String file, boolean top, ClassTree tree) {}

    /** Takes the types of one source. */
    void read(CompilationUnitTree unit, String file) {
        String prefix = unit.getPackageName() == null ? "" : unit.getPackageName() + ".";
        for (Tree tree : unit.getTypeDecls()) {
            if (tree instanceof ClassTree type) {
                add(prefix + type.getSimpleName(), file, true, type);
            }
        }
    }

    private void add(String name, String file, boolean top, ClassTree tree) {
        types.put(name, new Type(name, file, top, tree));
        for (Tree member : tree.getMembers()) {
            if (member instanceof ClassTree inner) {
                add(name + "$" + inner.getSimpleName(), file, false, inner);
            }
        }
    }

    /** Binary names of all types. */
    Set<String> types() {
        return types.keySet();
    }

    /** Test classes in order of the sources. */
    List<TestClass> classes() {
        composed();
        List<TestClass> classes = new ArrayList<>();
        for (Type type : types.values()) {
            boolean concrete = type.tree.getKind() == Tree.Kind.CLASS || type.tree.getKind() == Tree.Kind.RECORD;
            if (type.top && concrete && !type.tree.getModifiers().getFlags().contains(Modifier.ABSTRACT)) {
                List<Object> cases = new ArrayList<>();
                boolean last = collect(type, cases);
                if (!cases.isEmpty()) {
                    classes.add(new TestClass(type.name, type.file, cases, last));
                }
            }
        }
        return classes;
    }

    /** Annotations of the suite's own that stand for a test. */
    private void composed() {
        int before;
        do {
            before = tests.size();
            for (Type type : types.values()) {
                if (type.tree.getKind() == Tree.Kind.ANNOTATION_TYPE && isTest(type.tree.getModifiers())) {
                    tests.add(type.tree.getSimpleName().toString());
                }
            }
        } while (tests.size() > before);
    }

    private boolean collect(Type type, List<Object> cases) {
        Map<String, Double> methods = new LinkedHashMap<>();
        boolean last = inherit(type, isOld(type, new HashSet<>()), methods, new HashSet<>());
        methods.forEach((method, points) -> {
            Map<String, Object> one = new TreeMap<>();
            one.put("class", type.name);
            one.put("method", method);
            one.put("points", points);
            cases.add(one);
        });
        for (Tree member : type.tree.getMembers()) {
            if (member instanceof ClassTree inner && has(inner.getModifiers(), Set.of("Nested"))) {
                last |= collect(types.get(type.name + "$" + inner.getSimpleName()), cases);
            }
        }
        return last;
    }

    /** Parents first, as they are declared. */
    private boolean inherit(Type type, boolean old, Map<String, Double> methods, Set<String> seen) {
        if (!seen.add(type.name)) {
            return false;
        }
        boolean last = false;
        for (Type parent : parents(type)) {
            last |= inherit(parent, old, methods, seen);
        }
        Double ofAll = points(type.tree.getModifiers());
        for (Tree member : type.tree.getMembers()) {
            if (!(member instanceof MethodTree method)) {
                continue;
            }
            last |= has(method.getModifiers(), LAST);
            String name = method.getName().toString();
            if (isTest(method.getModifiers()) || (old && isOldTest(method, name))) {
                Double own = points(method.getModifiers());
                methods.put(name, own != null ? own : ofAll);
            }
        }
        return last;
    }

    private List<Type> parents(Type type) {
        List<Tree> named = new ArrayList<>(type.tree.getImplementsClause());
        if (type.tree.getExtendsClause() != null) {
            named.add(0, type.tree.getExtendsClause());
        }
        List<Type> parents = new ArrayList<>();
        for (Tree name : named) {
            String simple = simple(name);
            types.values().stream().filter(t -> t.tree.getSimpleName().contentEquals(simple)).findFirst().ifPresent(parents::add);
        }
        return parents;
    }

    /** Whether it is a test class of JUnit 3. */
    private boolean isOld(Type type, Set<String> seen) {
        Tree parent = type.tree.getExtendsClause();
        boolean itself = parent != null && simple(parent).equals("TestCase");
        return itself || (seen.add(type.name) && parents(type).stream().anyMatch(p -> isOld(p, seen)));
    }

    private static boolean isOldTest(MethodTree method, String name) {
        return name.startsWith("test")
                && method.getParameters().isEmpty()
                && method.getModifiers().getFlags().contains(Modifier.PUBLIC);
    }

    private boolean isTest(ModifiersTree modifiers) {
        return has(modifiers, tests);
    }

    private static boolean has(ModifiersTree modifiers, Set<String> names) {
        return modifiers.getAnnotations().stream().anyMatch(a -> names.contains(simple(a.getAnnotationType())));
    }

    /** What {@code @Tag("points=5")} says. */
    private static Double points(ModifiersTree modifiers) {
        Set<String> texts = new LinkedHashSet<>();
        for (AnnotationTree annotation : modifiers.getAnnotations()) {
            tags(annotation, texts);
        }
        for (String text : texts) {
            if (text.strip().startsWith(POINTS)) {
                try {
                    double points = Double.parseDouble(text.strip().substring(POINTS.length()));
                    if (Double.isFinite(points) && points >= 0 && points <= 1e6) {
                        return points;
                    }
                } catch (NumberFormatException other) {
                    // A tag of another meaning.
                }
            }
        }
        return null;
    }

    private static void tags(AnnotationTree annotation, Set<String> texts) {
        String name = simple(annotation.getAnnotationType());
        for (ExpressionTree argument : annotation.getArguments()) {
            ExpressionTree value = argument instanceof AssignmentTree set ? set.getExpression() : argument;
            if (name.equals("Tag") && value instanceof LiteralTree literal) {
                texts.add(String.valueOf(literal.getValue()));
            } else if (name.equals("Tags") && value instanceof NewArrayTree many) {
                for (ExpressionTree one : many.getInitializers()) {
                    if (one instanceof AnnotationTree inner) {
                        tags(inner, texts);
                    }
                }
            }
        }
    }

    private static String simple(Tree name) {
        if (name instanceof ParameterizedTypeTree generic) {
            return simple(generic.getType());
        }
        if (name instanceof MemberSelectTree select) {
            return select.getIdentifier().toString();
        }
        return name instanceof IdentifierTree identifier ? identifier.getName().toString() : name.toString();
    }
}
